-- Asks wrk for a slice that nobody asked for before; FIRST is where the questions of a run begin.
local number = tonumber(os.getenv("FIRST"))

request = function()
  number = number + 1
  local since = os.date("!%Y-%m-%d", 1546300800 + (number % 1900) * 86400)
  local quality = math.floor(number / 1900) % 100
  return wrk.format("GET", "/search/feed.rss?topic=ai&topic=law-order&q=new&since=" .. since .. "&min_quality=" .. quality)
end
