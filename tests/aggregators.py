"""How aggregators call themselves when they ask for a feed: the User-Agent of each, with the number of subscribers left open."""

AGGREGATORS = {
    "feedly": "Feedly/1.0 (+http://www.feedly.com/fetcher.html; {count} subscribers; like FeedFetcher-Google)",
    "inoreader": "Mozilla/5.0 (compatible; Inoreader/1.0; +http://www.inoreader.com/feed-fetcher; {count} subscribers; )",
    "newsblur": "NewsBlur Feed Fetcher - {count} subscribers - https://www.newsblur.com/site/1/x (Mozilla/5.0 (Macintosh))",
    "feedbin": "Feedbin feed-id:1373711 - {count} subscribers",
    "bloglovin": "Bloglovin/1.0 (http://www.bloglovin.com; {count} subscribers)",
    "theoldreader": "Mozilla/5.0 (compatible; theoldreader.com; {count} subscribers; feed-id=5bb1c2d3)",
    "newsify": "Newsify Feed Fetcher - {count} subscribers",
    "yandexblogs": "Mozilla/5.0 (compatible; YandexBlogs/0.99; robot; +http://yandex.com/bots) {count} readers",
    "netvibes": "Netvibes (http://www.netvibes.com/; {count} subscribers; feedID: 1234)",
    "bazqux": "BazQux/2.4 (+https://bazqux.com/fetcher; {count} subscribers)",
    "feed-wrangler": "Feed Wrangler/1.0 ({count} subscriber; feed-id=12; http://feedwrangler.net; Allow like Gecko)",
    "g2reader-bot": "g2reader-bot/1.0 (+http://www.g2reader.com/; {count} subscribers)",
}
