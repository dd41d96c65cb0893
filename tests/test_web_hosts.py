"""Where URLs come from: `base_url`, else a trusted host of the request, and nothing else that a request says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client, create_environ, run_wsgi_app
from werkzeug.wrappers import Response

from feeds.config import Config
from feeds.pages.static import url_path

from .builders import client_of, write_article
from .conftest import Clock

URLS = (
    "/feed.rss",
    "/feed.atom",
    "/feed.json",
    "/topics/ai/feed.rss",
    "/feeds.opml",
    "/",
    "/topics/ai/",
    "/topics/AI/feed.rss",
    "/topics/gone/",
)
REFUSAL = "this host is not trusted: set base_url (FEEDS_BASE_URL) to where the feeds are, or add the host to trusted_hosts\n"
HOSTILE = (
    "evil.example",
    "evil.example:80",
    "localhost.evil.example",
    "localhost@evil.example",
    "localhost:80@evil.example",
    "evil.example/localhost",
    "localhost:8000/evil.example",
    "localhost evil.example",
    "localhost, evil.example",
    'localhost"><script>alert("evil.example")</script>',
    "localhost:evil.example",
    "localhost:123456",
    "localhost:65536",
    "localhost:",
    "évil.example",
    "[evil.example]",
    "127.0.0.1.evil.example",
    "127.1",
    "0",
    "",
    " ",
)


@pytest.fixture
def content(content: Path) -> Path:
    write_article(content, "a")
    return content


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A client of an application without a base_url, which no test changes."""
    folder = tmp_path_factory.mktemp("site")
    write_article(folder, "a")
    return client_of(Config(content=folder, database=f"sqlite:///{folder}/index.sqlite3", refresh_seconds=0), Clock())


def self_link(base_url: str, path: str = "/feed.rss") -> str:
    return f'<{base_url}{path}>; rel="self"'


@pytest.mark.parametrize(
    ("host", "base_url"),
    [
        ("localhost", "http://localhost"),
        ("localhost:8000", "http://localhost:8000"),
        ("LOCALHOST:8000", "http://localhost:8000"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_loopback_names_are_trusted_by_default(client: FlaskClient, host: str, base_url: str) -> None:
    response = client.get("/feed.rss", headers={"Host": host})
    assert response.headers["Link"] == self_link(base_url)
    assert f'href="{base_url}/feed.rss"' in response.text


@pytest.mark.parametrize("url", URLS)
def test_hostile_host_gets_a_400_that_says_what_to_set(client: FlaskClient, url: str) -> None:
    for host in HOSTILE:
        response = client.get(url, headers={"Host": host})
        assert (response.status_code, response.text) == (400, REFUSAL)


@pytest.mark.parametrize("url", [*URLS, "/healthz", url_path("style.css"), "/static//style.css", "//feed.rss", "/nothing", "/topics"])
def test_hostile_host_is_in_no_output(client: FlaskClient, url: str) -> None:
    for host in HOSTILE:
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            with client.open(url, method=method, headers={"Host": host}, environ_overrides={"PATH_INFO": url}) as response:
                assert "evil" not in f"{response.headers}{response.text}"


def test_hostile_host_changes_nothing_where_the_base_url_is_set(config: Config, clock: Clock) -> None:
    client = client_of(replace(config, base_url="https://feeds.example.org"), clock)
    for url in ("/feed.json", "/topics/ai/", "/topics/AI/feed.rss", "/topics/gone/"):
        expected = client.get(url)
        for host in HOSTILE:
            response = client.get(url, headers={"Host": host})
            assert (response.status_code, response.data) == (expected.status_code, expected.data)
            assert response.headers.get("Link") == expected.headers.get("Link")


@pytest.mark.parametrize("url", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", HOSTILE)
def test_health_does_not_depend_on_the_host(client: FlaskClient, url: str, host: str) -> None:
    assert client.get(url, headers={"Host": host}).status_code == 200


def test_request_without_a_host_is_refused(client: FlaskClient) -> None:
    environ = create_environ("/feed.rss")
    del environ["HTTP_HOST"]
    body, status, _ = run_wsgi_app(client.application, environ)
    assert (status, b"".join(body)) == ("400 BAD REQUEST", REFUSAL.encode())


def test_trusted_hosts_are_answered_and_no_others(config: Config, clock: Clock) -> None:
    client = client_of(replace(config, trusted_hosts=("feeds.example.org", "[2001:db8::1]")), clock)
    assert client.get("/feed.rss", headers={"Host": "Feeds.Example.org:8080"}).headers["Link"] == self_link("http://feeds.example.org:8080")
    assert client.get("/feed.rss", headers={"Host": "[2001:DB8::1]"}).headers["Link"] == self_link("http://[2001:db8::1]")
    assert client.get("/feed.rss", headers={"Host": "localhost"}).status_code == 400


def test_scheme_is_that_of_the_request(client: FlaskClient) -> None:
    assert client.get("/feed.rss", base_url="https://localhost").headers["Link"] == self_link("https://localhost")


FORWARDED = (
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-For": "192.0.2.1"},
    {"X-Forwarded-Prefix": "/evil"},
    {"Forwarded": "host=evil.example;proto=https"},
)


@pytest.mark.parametrize("headers", FORWARDED)
def test_forwarded_request_never_counts_as_local(client: FlaskClient, headers: Mapping[str, str]) -> None:
    response = client.get("/feed.rss", headers=headers)
    assert (response.status_code, response.text) == (400, REFUSAL)


def test_what_a_proxy_says_is_ignored_where_the_base_url_is_set(config: Config, clock: Clock) -> None:
    client = client_of(replace(config, base_url="https://feeds.example.org"), clock)
    expected = client.get("/feed.rss").data
    for headers in FORWARDED:
        response = client.get("/feed.rss", headers=headers)
        assert (response.data, response.headers["Link"]) == (expected, self_link("https://feeds.example.org"))


def test_what_a_proxy_says_is_ignored_for_a_trusted_host(config: Config, clock: Clock) -> None:
    client = client_of(replace(config, trusted_hosts=("feeds.example.org",)), clock)
    for headers in FORWARDED:
        response = client.get("/feed.rss", headers={"Host": "feeds.example.org", **headers})
        assert (response.status_code, response.headers["Link"]) == (200, self_link("http://feeds.example.org"))


@pytest.fixture
def proxied(config: Config, clock: Clock) -> FlaskClient:
    """A client of the application behind a proxy that is trusted, as the test client's address is."""
    return client_of(replace(config, trusted_hosts=("feeds.example.org", "localhost"), trusted_proxies=(ip_network("127.0.0.1"),)), clock)


HERE = {"X-Forwarded-Host": "feeds.example.org", "X-Forwarded-For": "198.51.100.7"}


@pytest.mark.parametrize(
    ("headers", "base_url"),
    [
        ({}, "http://feeds.example.org"),
        ({"X-Forwarded-Proto": "https"}, "https://feeds.example.org"),
        ({"X-Forwarded-Host": "Feeds.example.org:8443"}, "http://feeds.example.org:8443"),
        ({"X-Forwarded-Host": "evil.example, feeds.example.org"}, "http://feeds.example.org"),
        ({"X-Forwarded-Proto": "gopher, https"}, "https://feeds.example.org"),
        ({"X-Forwarded-Prefix": "/my%20news/v1.0/"}, "http://feeds.example.org/my%20news/v1.0"),
        ({"X-Forwarded-Prefix": "/"}, "http://feeds.example.org"),
        (
            {"X-Forwarded-Port": "8443", "Forwarded": "host=evil.example;proto=https", "X-Forwarded-Server": "evil"},
            "http://feeds.example.org",
        ),
    ],
)
def test_what_a_trusted_proxy_says_makes_the_urls(proxied: FlaskClient, headers: Mapping[str, str], base_url: str) -> None:
    for _ in range(2):  # the second answer was ready
        response = proxied.get("/feed.rss", headers={**HERE, **headers})
        assert response.headers["Link"] == self_link(base_url)
        assert f'href="{base_url}/feed.rss"' in response.text


def test_answers_through_a_trusted_proxy_are_no_others(proxied: FlaskClient) -> None:
    for _ in range(2):
        links = [
            proxied.get("/feed.rss", headers=headers).headers.get("Link")
            for headers in ({}, HERE, {**HERE, "X-Forwarded-Prefix": "/a"}, {**HERE, "X-Forwarded-Proto": "https"})
        ]
        assert links == [
            self_link("http://localhost"),
            self_link("http://feeds.example.org"),
            self_link("http://feeds.example.org/a"),
            self_link("https://feeds.example.org"),
        ]


def test_redirect_stays_below_the_prefix_that_a_trusted_proxy_takes_off(proxied: FlaskClient) -> None:
    response = proxied.get("/topics/AI%2F/", headers={**HERE, "X-Forwarded-Prefix": "/news"})
    assert response.status_code == 404
    response = proxied.get("/topics/AI/", headers={**HERE, "X-Forwarded-Prefix": "/news"})
    assert (response.status_code, response.headers["Location"]) == (301, "../ai/")


@pytest.mark.parametrize("host", HOSTILE)
def test_hostile_host_from_a_trusted_proxy_is_refused(proxied: FlaskClient, host: str) -> None:
    response = proxied.get("/feed.rss", headers={"Host": "evil.example", "X-Forwarded-Host": host})
    assert (response.status_code, response.text) == (400, REFUSAL)


def test_local_name_from_a_trusted_proxy_is_refused(proxied: FlaskClient) -> None:
    assert proxied.get("/feed.rss", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 400


@pytest.mark.parametrize(
    "prefix", ["//evil.example", "/a//evil.example", "news", "/a/../b", "/a/.", "/a?b", "/a#b", '/"><script>', "/a b", "/%zz", "\\evil"]
)
def test_prefix_that_is_no_path_is_refused(proxied: FlaskClient, prefix: str) -> None:
    response = proxied.get("/feed.rss", headers={**HERE, "X-Forwarded-Prefix": prefix})
    assert (response.status_code, response.text) == (400, "X-Forwarded-Prefix: is no path\n")


def test_scheme_that_is_not_of_the_web_is_refused(proxied: FlaskClient) -> None:
    response = proxied.get("/feed.rss", headers={**HERE, "X-Forwarded-Proto": "gopher"})
    assert (response.status_code, response.text) == (400, "X-Forwarded-Proto: is neither http nor https\n")


def test_base_url_may_have_a_path(config: Config, clock: Clock) -> None:
    client = client_of(replace(config, base_url="https://www.example.org/news"), clock)
    assert client.get("/topics/ai/feed.rss").headers["Link"] == self_link("https://www.example.org/news", "/topics/ai/feed.rss")
    assert 'xmlUrl="https://www.example.org/news/topics/ai/feed.rss"' in client.get("/feeds.opml").text
    assert client.get("/topics/AI/feed.rss").headers["Location"] == "../ai/feed.rss"


@pytest.fixture
def mounted(config: Config, clock: Clock) -> Client:
    """A client of the application mounted below a path that has to be quoted."""
    path = "/my néws".encode().decode("latin-1")  # as WSGI has it
    return Client(DispatcherMiddleware(Response("", 404), {path: client_of(config, clock).application}))


def test_mounted_application_counts_its_path_in(mounted: Client) -> None:
    response = mounted.get("/my n%C3%A9ws/feed.rss")
    assert response.headers["Link"] == self_link("http://localhost/my%20n%C3%A9ws")
    assert 'href="http://localhost/my%20n%C3%A9ws/feed.rss"' in response.text


def test_mounted_application_redirects_to_its_front_page_wherever_it_is(mounted: Client) -> None:
    response = mounted.get("/my n%C3%A9ws", headers={"Host": "localhost"})
    assert (response.status_code, response.headers["Location"]) == (301, "/my%20n%C3%A9ws/")


def test_mounted_application_redirects_to_no_other_host(mounted: Client) -> None:
    response = mounted.get("/my n%C3%A9ws", headers={"Host": "evil.example"})
    assert (response.status_code, "Location" in response.headers) == (400, False)
