"""The pages in a real browser: what people do there, on any screen, by keyboard and with a screen reader."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import feedparser
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from . import debian
from .builders import write_article, write_topic
from .conftest import REPOSITORY
from .processes import Program, free_port, running

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
PATIENCE_MILLISECONDS = 30_000  # as with all other programs
PAGES = (
    "/",
    "/2024-05/",
    "/topics/",
    "/topics/ai/",
    "/topics/robots/",
    "/providers/example.com/",
    "/search/",
    "/search/?q=title&topic=-law&limit=10",
)
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=debian.program("chromium", "chromium", "chromium-browser", "google-chrome"), args=list(SWITCHES)
        )
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A served site with everything that is hard to show."""
    directory = tmp_path_factory.mktemp("site")
    folder = directory / "news"
    picture = {"url": "https://img.example.com/good.png", "width": 640, "height": 360}
    story = {"title": "Elsewhere", "webUrl": "https://elsewhere.example.net/r", "provider": {"name": "Herald"}}
    write_article(
        folder,
        "pictured",
        images=[picture],
        related=[story, {"title": "Elsewhere again", "webUrl": "https://elsewhere.example.net/s"}],
        topics=["AI", "Law"],
    )
    write_article(folder, "broken", images=[picture | {"url": "https://img.example.com/broken.png"}], length="PT9M3S")
    write_article(folder, "arabic", title="الذكاء الاصطناعي يغير العالم", excerpt="نص قصير", topics=["AI", "الذكاء"])
    write_article(
        folder, "long", title="Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2, provider=None
    )
    for number in range(40):
        write_article(
            folder, f"{number}", publishedDateTime=f"2024-0{1 + number % 5}-01T12:00:00Z", excerpt=None if number % 3 else "Words " * 90
        )
    write_topic(folder, "ai", name="AI", description="Minds and machines")
    write_topic(folder, "robots", name="Robots", parent="AI")
    port = free_port()
    command = [sys.executable, "-m", "feeds", "serve", "news", "--port", str(port), "--title", "Example News", "--refresh-seconds", "0"]
    with running(command, port, directory) as program:
        program.wait_until_ready()
        yield program


def opened(browser: Browser, **options: object) -> BrowserContext:
    """Return a window of its own, in which every picture of another site is there but the broken one."""
    context = browser.new_context(**options)  # type: ignore[arg-type] # by name

    def answer(route: Route) -> None:
        if "127.0.0.1" in route.request.url:
            route.continue_()
        else:
            route.fulfill(body=b"broken" if "broken" in route.request.url else PIXEL, content_type="image/png")

    context.route("**/*", answer)
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    return context


@pytest.fixture
def page(browser: Browser, site: Program) -> Iterator[Page]:
    """A page in a window of its own; whatever the browser complains of fails the test."""
    context = opened(browser, base_url=site.base_url, permissions=["clipboard-read", "clipboard-write"])
    shown, complaints = context.new_page(), list[str]()
    shown.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    yield shown
    context.close()
    assert complaints == []


def test_somebody_subscribes_to_a_topic(page: Page, site: Program) -> None:
    page.goto("/")
    page.get_by_role("link", name="AI", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("AI")
    page.get_by_text("What is a feed reader?").click()
    expect(page.get_by_text("Get a reader")).to_be_visible()
    address = page.get_by_label("Address for any reader").input_value()
    assert address == f"{site.base_url}/topics/ai/feed.rss"
    assert feedparser.parse(address).feed.title == "AI – Example News"
    link = page.get_by_role("link", name="Feedly").get_attribute("href") or ""
    assert link.startswith("https://feedly.com/i/subscription/feed%2Fhttp%3A%2F%2F127.0.0.1")


def test_address_is_copied_with_one_press(page: Page, site: Program) -> None:
    page.goto("/topics/ai/")
    page.get_by_role("button", name="Copy the address", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{site.base_url}/topics/ai/feed.rss"


def test_address_of_every_topic_is_copied_from_the_front_page(page: Page, site: Program) -> None:
    page.goto("/")
    page.get_by_role("button", name="Copy the address of Robots as RSS").click()
    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{site.base_url}/topics/robots/feed.rss"


def test_address_is_copied_where_the_page_has_no_clipboard(page: Page) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto("/topics/ai/")
    page.get_by_role("button", name="Copy the address", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Copied")


def test_search_ends_in_a_feed_of_what_the_page_shows(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Make a feed of your own").fill("title")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("checkbox", name="AI", exact=False).first.check()
    page.get_by_role("checkbox", name="not Law").check()
    page.get_by_text("More choices").click()
    page.get_by_label("Articles at a time").select_option("10")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/search/?limit=10&q=title&topic=-law&topic=ai")
    feed = feedparser.parse(page.get_by_label("Address for any reader").input_value())
    shown = page.locator("ol.preview h3").all_text_contents()
    assert shown == [entry.title for entry in feed.entries]
    assert len(shown) == 10


def test_pages_go_back_through_the_months(page: Page) -> None:
    page.goto("/topics/ai/")
    months = []
    while (older := page.get_by_role("link", name="Older")).count():
        before = page.url
        older.click()
        page.wait_for_url(lambda url, before=before: url != before)  # and until all of the page is there: there may be an older one
        months.append(page.url.split("/topics/ai/")[1])
    assert months == ["2024-03/", "2024-02/", "2024-01/"]
    page.get_by_role("link", name="Newer").click()
    page.get_by_role("navigation", name="History").get_by_role("link", name="May 2024").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("AI May 2024")


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for url in PAGES:
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, url


def test_table_of_topics_shows_all_that_it_has_without_scrolling(page: Page) -> None:
    page.goto("/")
    table = page.get_by_role("region", name="Topics and their feeds")
    for width in range(360, 1441, 40):
        page.set_viewport_size({"width": width, "height": 800})
        assert table.evaluate("element => element.scrollWidth - element.clientWidth") <= 0, width


def test_pictures_take_their_place_before_they_come_and_where_they_are_broken(page: Page) -> None:
    page.goto("/topics/ai/")
    boxes = [place.bounding_box() or {} for place in page.locator("article .picture").all()]
    assert len({(box["width"], box["height"]) for box in boxes}) == 1
    assert (
        page.evaluate(
            """new Promise(done => {
            new PerformanceObserver(list => done(list.getEntries().length)).observe({type: "layout-shift", buffered: true});
            setTimeout(() => done(0), 50);
        })"""
        )
        == 0
    )


def test_page_is_dark_where_people_like_it_dark(browser: Browser, site: Program) -> None:
    colours = []
    for scheme in ("light", "dark"):
        context = opened(browser, base_url=site.base_url, color_scheme=scheme)
        page = context.new_page()
        page.goto("/")
        colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        context.close()
    assert colours == ["rgb(251, 250, 247)", "rgb(22, 21, 19)"]


def test_keyboard_reaches_everything_and_shows_where_it_is(page: Page) -> None:
    page.goto("/topics/ai/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    seen = []
    for _ in range(14):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent || document.activeElement.id"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert seen[:5] == ["Topics", "RSS", "Atom", "JSON", "feed-url"]
    assert seen[5] == "Copy"
    page.keyboard.press("Tab")


def test_page_is_of_use_without_its_script(browser: Browser, site: Program) -> None:
    context = opened(browser, base_url=site.base_url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/search/?topic=ai")
    page.get_by_role("searchbox", name="Words").fill("title")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/search/?q=title&topic=ai")
    assert page.get_by_label("Address for any reader").input_value().endswith("/search/feed.rss?q=title&topic=ai")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_the_way_of_anybody(browser: Browser, site: Program, scheme: str) -> None:
    context = opened(browser, base_url=site.base_url, color_scheme=scheme)
    page, axe = context.new_page(), Axe()
    found = {}
    for url in (*PAGES, "/topics/robot/"):
        page.goto(url)
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        report = axe.run(page)
        found[url] = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in report.response["violations"]]
    context.close()
    assert found == {url: [] for url in found}


@pytest.mark.parametrize("name", ["seeds", "corpus"])
def test_every_kind_of_page_of_a_real_site_is_in_order(browser: Browser, corpus: Path, tmp_path: Path, name: str) -> None:
    port = free_port()
    folder = REPOSITORY / "seeds" if name == "seeds" else corpus
    options = ("--port", str(port), "--site-url", "https://www.example.org")
    command = [sys.executable, "-m", "feeds", "serve", str(folder), *options]
    with running(command, port, tmp_path) as program:
        program.wait_until_ready()
        places = re.findall(r"<loc>http://[^/]+(/topics/[^<]*)</loc>", program.get("/sitemap.xml").text)
        topic = next(place for place in places if place.count("/") == 3)
        month = next(place for place in places if place.startswith(topic) and place != topic)
        context = opened(browser, base_url=program.base_url, viewport={"width": 360, "height": 800})
        page, axe, complaints = context.new_page(), Axe(), list[str]()
        page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        for url in ("/", "/topics/", topic, month, "/search/?limit=10&sort=heat"):
            page.goto(url)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, url
            assert [one["id"] for one in axe.run(page).response["violations"]] == [], url
        context.close()
    assert complaints == []
