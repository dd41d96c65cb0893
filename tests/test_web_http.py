"""HTTP: validators and 304, caching, methods, errors and the headers of every answer (RFC 9110, RFC 9111)."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from wsgiref.validate import validator

import pytest
from flask.testing import FlaskClient
from werkzeug.http import http_date
from werkzeug.test import Client

from feeds.config import Config
from feeds.pages.static import url_path
from feeds.service import FeedService
from feeds.web import create_app

from .builders import DAY, NOON, client_of, write_article
from .conftest import Clock

FEEDS = ("/feed.rss", "/topics/ai/feed.atom", "/providers/example.com/feed.json", "/2024-04.rss", "/feeds.opml")
PAGES = ("/", "/topics/ai/")
DOCUMENTS = (*FEEDS, *PAGES)
STYLE = url_path("style.css")
SECOND = timedelta(seconds=1)


@pytest.fixture
def content(content: Path) -> Path:
    write_article(content, "a")
    write_article(content, "old", publishedDateTime="2024-04-01T12:00:00Z")
    return content


@pytest.fixture
def refresh(service: FeedService, content: Path, config: Config, clock: Clock) -> Callable[[], None]:
    """Bring the index up to date at the clock's moment."""

    def run() -> None:
        service.refresh(content, config.fingerprint(), clock())

    return run


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A client of an application that no test changes, at NOON."""
    folder = tmp_path_factory.mktemp("site")
    write_article(folder, "a")
    write_article(folder, "old", publishedDateTime="2024-04-01T12:00:00Z")
    return client_of(Config(content=folder, database=f"sqlite:///{folder}/index.sqlite3", refresh_seconds=0), Clock())


# Validators


@pytest.mark.parametrize("url", DOCUMENTS)
def test_etag_is_strong_and_the_same_for_the_same_bytes(still: FlaskClient, url: str) -> None:
    one, two = still.get(url), still.get(url)
    assert one.headers["ETag"].startswith('"')
    assert (one.headers["ETag"], one.data) == (two.headers["ETag"], two.data)


def test_etag_tells_documents_apart(still: FlaskClient) -> None:
    assert len({still.get(url).headers["ETag"] for url in DOCUMENTS}) == len(DOCUMENTS)


@pytest.mark.parametrize("url", FEEDS)
def test_last_modified_is_when_the_index_changed(still: FlaskClient, url: str) -> None:
    assert still.get(url).headers["Last-Modified"] == http_date(NOON)


@pytest.mark.parametrize("url", PAGES)
def test_page_goes_by_its_tag_alone(still: FlaskClient, url: str) -> None:
    assert "Last-Modified" not in still.get(url).headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("url", DOCUMENTS)
def test_what_the_client_has_is_not_sent_again(still: FlaskClient, url: str, method: str) -> None:
    full = still.get(url)
    response = still.open(url, method=method, headers={"If-None-Match": full.headers["ETag"]})
    assert (response.status_code, response.data) == (304, b"")
    repeated = ("ETag", "Last-Modified", "Cache-Control", "Vary")
    assert {name: response.headers.get(name) for name in repeated} == {name: full.headers.get(name) for name in repeated}
    assert "Content-Length" not in response.headers
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize("url", DOCUMENTS)
def test_what_the_client_has_is_not_sent_by_a_server_that_just_started_either(config: Config, clock: Clock, url: str) -> None:
    known = client_of(config, clock).get(url).headers
    response = client_of(config, clock).get(url, headers={"If-None-Match": known["ETag"]})
    assert response.status_code == 304
    assert (response.headers["ETag"], response.headers.get("Last-Modified")) == (known["ETag"], known.get("Last-Modified"))


ETAG = "the ETag of the document"
BEFORE, THEN, AFTER = http_date(NOON - SECOND), http_date(NOON), http_date(NOON + DAY)


@pytest.mark.parametrize(
    ("none_match", "modified_since", "status"),
    [
        (f'"{ETAG}"', None, 304),
        (f'W/"{ETAG}"', None, 304),  # weak comparison: some proxies weaken validators
        (f'"a", W/"b", "{ETAG}"', None, 304),
        (f'"a","{ETAG}","b"', None, 304),
        ("*", None, 304),
        ('"a"', None, 200),
        ('W/"a", "b"', None, 200),
        (None, THEN, 304),
        (None, AFTER, 304),
        (None, BEFORE, 200),
        (None, "yesterday", 200),
        (None, "", 200),
        ("", THEN, 304),
        ('"a"', AFTER, 200),  # If-None-Match goes first, RFC 9110 section 13.2.2
        (f'"{ETAG}"', BEFORE, 304),
        ("*", BEFORE, 304),
    ],
)
def test_condition_decides_whether_the_body_is_sent(
    still: FlaskClient, none_match: str | None, modified_since: str | None, status: int
) -> None:
    etag = still.get("/feed.rss").headers["ETag"].strip('"')
    conditions = {"If-None-Match": none_match and none_match.replace(ETAG, etag), "If-Modified-Since": modified_since}
    response = still.get("/feed.rss", headers={name: value for name, value in conditions.items() if value is not None})
    assert response.status_code == status
    assert bool(response.data) is (status == 200)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: write_article(folder, "b"),
        lambda folder: write_article(folder, "a", title="Another title"),
        lambda folder: (folder / "a.md").unlink(),
        lambda folder: write_article(folder, "a", published=False),
    ],
    ids=["added", "edited", "deleted", "hidden"],
)
def test_change_makes_another_etag_and_a_later_last_modified(
    client: FlaskClient, content: Path, clock: Clock, refresh: Callable[[], None], change: Callable[[Path], object]
) -> None:
    urls = ("/feed.rss", "/topics/ai/feed.json")
    before = {url: client.get(url).headers for url in urls}
    clock.moment += timedelta(minutes=1)
    change(content)
    refresh()
    for url in urls:
        after = client.get(url, headers={"If-Modified-Since": before[url]["Last-Modified"]})
        assert after.status_code == 200
        assert after.headers["ETag"] != before[url]["ETag"]
        assert after.headers["Last-Modified"] == http_date(NOON + timedelta(minutes=1))


def test_change_elsewhere_and_a_restart_leave_validators_alone(
    client: FlaskClient, content: Path, clock: Clock, refresh: Callable[[], None], config: Config
) -> None:
    urls = ("/topics/ai/feed.rss", "/topics/ai/2024-04.rss")
    before = {url: client.get(url).headers for url in urls}
    clock.moment += timedelta(minutes=1)
    write_article(content, "b", topics=["Robotics"], category="other", type="video", provider=None)
    refresh()
    clock.moment += timedelta(minutes=1)
    restarted = create_app(config, clock, check_seconds=0).test_client()
    for url in urls:
        after = restarted.get(url).headers
        assert (after["ETag"], after["Last-Modified"]) == (before[url]["ETag"], before[url]["Last-Modified"])


def test_last_modified_is_never_ahead_of_the_clock_and_no_change_is_missed(
    client: FlaskClient, content: Path, clock: Clock, refresh: Callable[[], None]
) -> None:
    for number in range(3):  # three changes in one second
        write_article(content, "a", title=f"Title {number}")
        refresh()
    first = client.get("/feed.rss")
    assert first.headers["Last-Modified"] == http_date(NOON)
    write_article(content, "a", title="Title at last")
    refresh()
    clock.moment += timedelta(minutes=1)
    later = client.get("/feed.rss", headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert later.status_code == 200
    assert client.get("/feed.rss", headers={"If-Modified-Since": later.headers["Last-Modified"]}).status_code == 304


def test_other_settings_are_a_modification(config: Config, clock: Clock) -> None:
    before = client_of(config, clock).get("/feed.rss")
    clock.moment += timedelta(minutes=1)
    after = client_of(replace(config, title="Another title"), clock).get("/feed.rss")
    assert after.headers["ETag"] != before.headers["ETag"]
    assert after.headers["Last-Modified"] == http_date(NOON + timedelta(minutes=1))


# Caching


def cache_control(max_age: int) -> str:
    return f"public, max-age={max_age}, stale-while-revalidate=86400, stale-if-error=86400"


@pytest.mark.parametrize("url", DOCUMENTS)
def test_documents_may_be_kept_for_max_age_seconds(still: FlaskClient, url: str) -> None:
    assert still.get(url).headers["Cache-Control"] == cache_control(300)


@pytest.mark.parametrize("max_age", [0, 60, 86_400])
def test_max_age_is_a_setting(config: Config, clock: Clock, max_age: int) -> None:
    client = client_of(replace(config, max_age_seconds=max_age), clock)
    assert client.get("/feed.rss").headers["Cache-Control"] == cache_control(max_age)


@pytest.mark.parametrize(("due", "max_age"), [("12:00:01", 1), ("12:01:00", 60), ("12:05:00", 300), ("13:00:00", 300)])
def test_max_age_is_shorter_when_a_scheduled_article_is_due_sooner(
    config: Config, clock: Clock, content: Path, due: str, max_age: int
) -> None:
    write_article(content, "ahead", publishedDateTime=f"2024-05-17T{due}Z")
    client = client_of(config, clock)
    assert {client.get(url).headers["Cache-Control"] for url in DOCUMENTS} == {cache_control(max_age)}


def test_max_age_of_nothing_is_no_longer_for_a_scheduled_article(config: Config, clock: Clock, content: Path) -> None:
    write_article(content, "ahead", publishedDateTime="2024-05-17T12:01:00Z")
    client = client_of(replace(config, max_age_seconds=0), clock)
    assert client.get("/feed.rss").headers["Cache-Control"] == cache_control(0)


def test_scheduled_article_appears_by_itself(config: Config, clock: Clock, content: Path) -> None:
    write_article(content, "ahead", title="Title ahead", publishedDateTime="2024-05-17T12:01:00Z")
    client = client_of(config, clock)
    before = client.get("/feed.rss")
    assert "Title ahead" not in before.text
    clock.moment += timedelta(minutes=1)
    after = client.get("/feed.rss", headers={"If-None-Match": before.headers["ETag"]})
    assert "Title ahead" in after.text
    assert after.headers["Last-Modified"] == http_date(clock())
    assert client.get("/feed.rss", headers={"If-Modified-Since": before.headers["Last-Modified"]}).status_code == 200


def test_what_pages_load_may_be_kept_for_good(still: FlaskClient) -> None:
    response = still.get(STYLE)
    assert (response.status_code, response.content_type) == (200, "text/css; charset=utf-8")
    assert response.headers["Cache-Control"].startswith("public, max-age=31536000")
    assert still.get(STYLE, headers={"If-None-Match": response.headers["ETag"]}).status_code == 304


def test_another_version_of_it_gets_this_one_for_a_while(still: FlaskClient) -> None:
    response = still.get("/static/style.0123456789ab.css")
    assert (response.status_code, response.data) == (200, still.get(STYLE).data)
    assert response.headers["Cache-Control"].startswith("public, max-age=300,")


def test_nothing_else_is_there_to_load(still: FlaskClient) -> None:
    assert [still.get(f"/static/{name}").status_code for name in ("page.html", "style.html", "..%2fstyle.css", "")] == [404] * 4


# Methods


@pytest.mark.parametrize("url", [*DOCUMENTS, "/healthz", "/readyz", "/topics/AI/feed.rss", "/topics/gone/", "/feed.rss?limit=1"])
def test_head_is_get_without_the_body(still: FlaskClient, url: str) -> None:
    get, head = still.get(url), still.head(url)
    assert (head.status_code, head.data) == (get.status_code, b"")
    assert get.data
    assert {name: value for name, value in head.headers if name != "Date"} == {name: value for name, value in get.headers if name != "Date"}


@pytest.mark.parametrize("url", DOCUMENTS)
def test_options_tell_browsers_of_other_sites_what_they_may_do(still: FlaskClient, url: str) -> None:
    response = still.options(url, headers={"Origin": "https://reader.example", "Access-Control-Request-Method": "GET"})
    assert (response.status_code, response.data) == (200, b"")
    assert {"GET", "HEAD", "OPTIONS"} == set(response.headers["Allow"].split(", "))
    assert {name: value for name, value in response.headers if name.startswith("Access-Control")} == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "ETag, Last-Modified, Link",
        "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
        "Access-Control-Allow-Headers": "If-None-Match, If-Modified-Since",
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
@pytest.mark.parametrize("url", ["/", "/feed.rss", "/topics/ai/", "/feeds.opml"])
def test_nothing_can_be_written(still: FlaskClient, url: str, method: str) -> None:
    response = still.open(url, method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


# Errors

ERRORS = {
    "/topics/gone/feed.rss": (404, "there is no topic 'gone'"),
    "/nothing": (404, "Not Found"),
    "/feed.rss?limit=1": (400, "limit: has to be one of 10, 20, 50, 100, 200"),
}


@pytest.mark.parametrize("url", ERRORS)
@pytest.mark.parametrize("accept", [None, "*/*", "application/rss+xml, */*;q=0.1", "text/plain", "text/plain, text/html;q=0.5"])
def test_error_is_a_line_of_text_for_programs(still: FlaskClient, url: str, accept: str | None) -> None:
    response = still.get(url, headers={} if accept is None else {"Accept": accept})
    assert (response.status_code, response.text.strip()) == ERRORS[url]
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("url", ERRORS)
@pytest.mark.parametrize("accept", ["text/html", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"])
def test_error_is_a_page_for_people(still: FlaskClient, url: str, accept: str) -> None:
    response = still.get(url, headers={"Accept": accept})
    assert response.status_code == ERRORS[url][0]
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("url", ERRORS)
def test_error_is_kept_for_a_short_time_and_depends_on_accept(still: FlaskClient, url: str) -> None:
    response = still.get(url)
    assert (response.headers["Cache-Control"], response.headers["Vary"]) == ("public, max-age=30", "Accept")


def test_feed_never_depends_on_accept(still: FlaskClient) -> None:
    plain, asking = still.get("/feed.rss"), still.get("/feed.rss", headers={"Accept": "application/json"})
    assert (asking.data, asking.headers["ETag"]) == (plain.data, plain.headers["ETag"])


@pytest.mark.parametrize("url", ["/feed.rss", "/", "/topics/ai/", "/feeds.opml", "/readyz"])
def test_before_the_first_refresh_there_is_only_a_503(config: Config, clock: Clock, url: str) -> None:
    response = create_app(config, clock, check_seconds=0).test_client().get(url)
    assert (response.status_code, response.text) == (503, "the index is empty still: the folder was not read yet\n")
    assert (response.headers["Retry-After"], response.headers["Cache-Control"]) == ("5", "no-store")


def test_before_the_first_refresh_the_process_is_alive_already(config: Config, clock: Clock) -> None:
    assert create_app(config, clock, check_seconds=0).test_client().get("/healthz").status_code == 200


@pytest.fixture
def broken(client: FlaskClient, tmp_path: Path) -> FlaskClient:
    """A client of an application that has answered already, and whose database is overwritten since."""
    assert client.get("/feed.rss").status_code == 200
    for path in tmp_path.glob("index.sqlite3*"):
        path.write_bytes(b"no database at all " * 1000)
    return client


@pytest.mark.parametrize("url", ["/topics/ai/feed.rss", "/topics/ai/"])
def test_broken_database_is_a_503_that_says_nothing_of_the_inside(
    broken: FlaskClient, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    response = broken.get(url)
    assert (response.status_code, response.text) == (503, "the index can't be read right now\n")
    assert (response.headers["Retry-After"], response.headers["Cache-Control"]) == ("5", "no-store")
    assert any(f"{tmp_path}/index.sqlite3: the index is damaged (file is not a database)" in message for message in caplog.messages)


def test_broken_database_is_no_death(broken: FlaskClient) -> None:
    assert broken.get("/healthz").status_code == 200


def test_bug_is_a_500_without_a_trace(config: Config, service: FeedService, caplog: pytest.LogCaptureFixture) -> None:
    service.refresh(config.content_folder(), config.fingerprint(), NOON)

    def broken_clock() -> None:
        raise ZeroDivisionError("secret")

    response = create_app(config, broken_clock, check_seconds=0).test_client().get("/feed.rss")  # type: ignore[arg-type] # the bug
    assert (response.status_code, response.text) == (500, "Internal Server Error\n")
    assert any(record.levelno == logging.ERROR for record in caplog.records)


# Every answer


@pytest.mark.parametrize("url", [*DOCUMENTS, *ERRORS, "/healthz", "/topics/AI/feed.rss", STYLE])
def test_every_answer_has_safe_headers(still: FlaskClient, url: str) -> None:
    for accept in ("*/*", "text/html"):
        with still.get(url, headers={"Accept": accept}) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert "Set-Cookie" not in response.headers
            is_page = response.headers["Content-Type"].startswith("text/html")
            assert response.headers.get("Content-Security-Policy", "").startswith("default-src 'none'; ") is is_page


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_application_keeps_to_wsgi(config: Config, clock: Clock, method: str) -> None:
    application = client_of(config, clock).application
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client = Client(validator(application))
        for url in (*DOCUMENTS, *ERRORS, "/healthz", "/readyz", "/topics/AI/feed.rss", STYLE):
            with client.open(url, method=method, headers={"If-None-Match": '"a"'}) as response:
                assert response.data is not None
