"""The settings: three forms of one name, which beats which, and one error for everything that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from feeds.config import Config
from feeds.errors import ConfigError
from feeds.feed import Site
from feeds.logs import LogFormat
from feeds.settings import HELP


def load(directory: Path, options: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None, file: str = "") -> Config:
    """Return the settings that options, variables and the text of a `feeds.toml` in the directory come to."""
    if file:
        (directory / "feeds.toml").write_text(file, "utf-8")
    return Config.load(options or {}, environ or {}, directory)


def reasons(directory: Path, **sources: Any) -> tuple[str, ...]:
    """Return what is wrong with the settings."""
    with pytest.raises(ConfigError) as caught:
        load(directory, **sources)
    return caught.value.reasons


# Each setting: as an option and a variable have it, as feeds.toml has it, and the value.
SETTINGS = {
    "content": ("/srv/news", '"/srv/news"', Path("/srv/news")),
    "database": ("sqlite:////srv/index.sqlite3", '"sqlite:////srv/index.sqlite3"', "sqlite:////srv/index.sqlite3"),
    "base_url": ("https://feeds.example.org/news/", '"https://feeds.example.org/news/"', "https://feeds.example.org/news"),
    "site_url": ("https://www.example.org", '"https://www.example.org"', "https://www.example.org"),
    "site_id": ("tag:example.org,2024:news", '"tag:example.org,2024:news"', "tag:example.org,2024:news"),
    "title": (" Example News ", '" Example News "', "Example News"),
    "description": ("News & more", '"News & more"', "News & more"),
    "language": ("pt-BR", '"pt-BR"', "pt-BR"),
    "picture": ("https://www.example.org/p.png", '"https://www.example.org/p.png"', "https://www.example.org/p.png"),
    "page_size": ("20", "20", 20),
    "max_age_seconds": ("60", "60", 60),
    "hub": ("https://hub.example.org/?a=b", '"https://hub.example.org/?a=b"', "https://hub.example.org/?a=b"),
    "search": ("False", "false", False),
    "refresh_seconds": ("0", "0", 0),
    "trusted_hosts": ("A.example.org, [::1]", '["A.example.org", "[::1]"]', ("a.example.org", "[::1]")),
    "trusted_proxies": (
        "192.0.2.1, 2001:db8::/32",
        '["192.0.2.1", "2001:db8::/32"]',
        (ip_network("192.0.2.1/32"), ip_network("2001:db8::/32")),
    ),
    "operator_networks": ("10.0.0.0/8", '["10.0.0.0/8"]', (ip_network("10.0.0.0/8"),)),
    "access_keys": (
        "correct-horse-battery,another-key-of-ours",
        '["correct-horse-battery", "another-key-of-ours"]',
        ("correct-horse-battery", "another-key-of-ours"),
    ),
    "log_format": ("json", '"json"', LogFormat.JSON),
    "access_log": ("true", "true", True),
    "host": ("192.0.2.1", '"192.0.2.1"', "192.0.2.1"),
    "port": ("65535", "65535", 65535),
    "workers": ("4", "4", 4),
}


def test_every_setting_is_in_the_table_and_has_help() -> None:
    assert list(SETTINGS) == list(HELP) == [field.name for field in fields(Config)]


@pytest.mark.parametrize("name", SETTINGS)
def test_setting_is_taken_from_an_option(name: str, tmp_path: Path) -> None:
    given, _, value = SETTINGS[name]
    assert load(tmp_path, {name: given}) == Config(**{name: value})


@pytest.mark.parametrize("name", SETTINGS)
def test_setting_is_taken_from_a_variable(name: str, tmp_path: Path) -> None:
    given, _, value = SETTINGS[name]
    assert load(tmp_path, environ={f"FEEDS_{name.upper()}": given}) == Config(**{name: value})


@pytest.mark.parametrize("name", SETTINGS)
def test_setting_is_taken_from_feeds_toml(name: str, tmp_path: Path) -> None:
    _, given, value = SETTINGS[name]
    assert load(tmp_path, file=f"{name} = {given}") == Config(**{name: value})


@pytest.mark.parametrize(
    ("sources", "title"),
    [
        ({"file": 'title = "file"', "environ": {"FEEDS_TITLE": "variable"}, "options": {"title": "option"}}, "option"),
        ({"file": 'title = "file"', "environ": {"FEEDS_TITLE": "variable"}}, "variable"),
        ({"file": 'title = "file"', "options": {"title": "option"}}, "option"),
        ({"file": 'title = "file"'}, "file"),
        ({}, "Feeds"),
    ],
)
def test_option_beats_variable_beats_file_beats_default(sources: Mapping[str, Any], title: str, tmp_path: Path) -> None:
    assert load(tmp_path, **sources).title == title


def test_other_variables_are_not_ours(tmp_path: Path) -> None:
    assert load(tmp_path, environ={"TITLE": "x", "MYFEEDS_TITLE": "x", "FEED_TITLE": "x"}) == Config()


def test_feeds_config_names_another_file_and_its_paths_count_from_there(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text('title = "not this"')
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "news.toml").write_text('content = "news"\ndatabase = "sqlite:///index.sqlite3"')
    assert load(tmp_path, environ={"FEEDS_CONFIG": "etc/news.toml"}) == Config(
        content=tmp_path / "etc" / "news", database=f"sqlite:///{tmp_path}/etc/index.sqlite3"
    )


def test_relative_paths_of_options_and_variables_count_from_the_directory(tmp_path: Path) -> None:
    assert load(tmp_path, {"content": "news"}, {"FEEDS_DATABASE": "sqlite:///index.sqlite3"}) == Config(
        content=tmp_path / "news", database=f"sqlite:///{tmp_path}/index.sqlite3"
    )


def test_server_without_options_reads_the_environment_and_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "feeds.toml").write_text('title = "file"')
    assert Config.from_env({"FEEDS_CONTENT": "news"}) == Config(title="file", content=tmp_path / "news")


NETWORKS = "has to be IP networks or addresses, with commas between"
POSTGRESQL = "postgresql://user@host/database"
NUMBER = "has to be a whole number from {} to {}"
WRONG = [
    ("content", "", "has to be text, and not empty"),
    ("database", "index.sqlite3", "is no database URL such as sqlite:///index.sqlite3"),
    ("database", "sqlite://", "has to name a file: an index in memory would be lost, and no other process could read it"),
    ("database", "sqlite:///:memory:", "has to name a file: an index in memory would be lost, and no other process could read it"),
    ("database", "mysql://host/db", f"has to be of SQLite or PostgreSQL, such as sqlite:///index.sqlite3 or {POSTGRESQL}"),
    ("base_url", "feeds.example.org", "is not an absolute http or https URL"),
    ("base_url", "ftp://feeds.example.org", "is not an absolute http or https URL"),
    ("base_url", "https://feeds.example.org/?a", "must not have a query or a fragment"),
    ("site_url", "https://www.example.org/#a", "must not have a query or a fragment"),
    ("site_url", "https://", "is not an absolute http or https URL"),
    ("site_id", "example", "is no absolute URL or IRI"),
    ("title", " ", "has to be text, and not empty"),
    ("description", "\t", "has to be text, and not empty"),
    ("language", "english language", "is no language tag such as en or pt-BR"),
    ("language", "en_US", "is no language tag such as en or pt-BR"),
    ("hub", "hub", "is not an absolute http or https URL"),
    ("page_size", "51", "has to be one of 10, 20, 50, 100, 200"),
    ("page_size", "many", "has to be one of 10, 20, 50, 100, 200"),
    ("max_age_seconds", "-1", NUMBER.format(0, 31_536_000)),
    ("max_age_seconds", "31536001", NUMBER.format(0, 31_536_000)),
    ("max_age_seconds", "5 minutes", NUMBER.format(0, 31_536_000)),
    ("search", "maybe", "has to be true or false"),
    ("refresh_seconds", "0.5", NUMBER.format(0, 86_400)),
    ("trusted_hosts", "", "has to be host names without a port, with commas between"),
    ("trusted_hosts", "a.example.org,", "has to be host names without a port, with commas between"),
    ("trusted_hosts", "localhost:8000", "has to be host names without a port, with commas between"),
    ("trusted_hosts", "*", "has to be host names without a port, with commas between"),
    ("trusted_proxies", "proxy.example.org", f"{NETWORKS}: 'proxy.example.org' does not appear to be an IPv4 or IPv6 network"),
    ("trusted_proxies", "192.0.2.1,", f"{NETWORKS}: '' does not appear to be an IPv4 or IPv6 network"),
    ("operator_networks", "10.0.0.1/8", f"{NETWORKS}: 10.0.0.1/8 has host bits set"),
    ("log_format", "xml", "has to be text or json"),
    ("access_log", "1", "has to be true or false"),
    ("host", "", "has to be text, and not empty"),
    ("port", "0", NUMBER.format(1, 65_535)),
    ("port", "65536", NUMBER.format(1, 65_535)),
    ("port", "", NUMBER.format(1, 65_535)),
    ("port", "٨٠٠٠", NUMBER.format(1, 65_535)),
    ("port", "9" * 5000, NUMBER.format(1, 65_535)),
    ("port", f"{'0' * 20}80000", NUMBER.format(1, 65_535)),
    ("workers", "many", NUMBER.format(1, 256)),
]


@pytest.mark.parametrize(("name", "value", "reason"), WRONG)
def test_wrong_value_is_an_error_that_says_what_is_right(name: str, value: str, reason: str, tmp_path: Path) -> None:
    assert reasons(tmp_path, environ={f"FEEDS_{name.upper()}": value}) == (f"environment: FEEDS_{name.upper()}: {reason}",)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("content = 1", "content: has to be text, and not empty"),
        ("title = 2024-05-17", "title: has to be text, and not empty"),
        ("port = 80.0", f"port: {NUMBER.format(1, 65_535)}"),
        ("port = true", f"port: {NUMBER.format(1, 65_535)}"),
        ("workers = [1]", f"workers: {NUMBER.format(1, 256)}"),
        ("trusted_hosts = 1", "trusted_hosts: has to be host names without a port, with commas between"),
        ("trusted_hosts = true", "trusted_hosts: has to be host names without a port, with commas between"),
        ("trusted_hosts = []", "trusted_hosts: has to be host names without a port, with commas between"),
        ("trusted_hosts = [[]]", "trusted_hosts: has to be host names without a port, with commas between"),
        ("trusted_hosts = {a = 1}", "trusted_hosts: has to be host names without a port, with commas between"),
        ("trusted_proxies = false", f"trusted_proxies: {NETWORKS}"),
        ("operator_networks = [1.5]", f"operator_networks: {NETWORKS}: '1.5' does not appear to be an IPv4 or IPv6 network"),
        ("base_url = {a = 1}", "base_url: has to be text, and not empty"),
        ('[site]\ntitle = "x"', "site: is no setting; is site_id meant?"),
    ],
)
def test_wrong_type_in_feeds_toml_is_an_error(line: str, reason: str, tmp_path: Path) -> None:
    assert reasons(tmp_path, file=line) == (f"{tmp_path}/feeds.toml: {reason}",)


@pytest.mark.parametrize("name", ["trusted_proxies", "operator_networks"])
def test_networks_may_be_none(name: str, tmp_path: Path) -> None:
    assert getattr(load(tmp_path, environ={f"FEEDS_{name.upper()}": " "}), name) == ()
    assert getattr(load(tmp_path, file=f"{name} = []"), name) == ()


def test_all_errors_are_reported_at_once_with_the_names_as_given(tmp_path: Path) -> None:
    found = reasons(
        tmp_path,
        file='base_url = "example"\nprot = 80\n',
        environ={"FEEDS_MAX_AGE_SECONDS": "a", "FEEDS_TITEL": "b", "FEEDS_TITLE": "good"},
        options={"trusted_hosts": "a:1", "language": "pt-BR"},
    )
    assert found == (
        f"{tmp_path}/feeds.toml: base_url: is not an absolute http or https URL",
        f"{tmp_path}/feeds.toml: prot: is no setting; is port meant?",
        "environment: FEEDS_MAX_AGE_SECONDS: has to be a whole number from 0 to 31536000",
        "environment: FEEDS_TITEL: is no setting; is FEEDS_TITLE meant?",
        "command line: --trusted-hosts: has to be host names without a port, with commas between",
    )


def test_wrong_value_is_an_error_even_where_another_source_beats_it(tmp_path: Path) -> None:
    assert reasons(tmp_path, environ={"FEEDS_PORT": "x"}, options={"port": "80"}) == (
        f"environment: FEEDS_PORT: {NUMBER.format(1, 65_535)}",
    )


def test_setting_like_no_other_gets_no_suggestion(tmp_path: Path) -> None:
    assert reasons(tmp_path, environ={"FEEDS_XYZZY": "1"}) == ("environment: FEEDS_XYZZY: is no setting",)


def test_message_of_the_error_has_a_line_for_each_reason(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, environ={"FEEDS_A": "1", "FEEDS_B": "2"})
    assert str(caught.value) == "environment: FEEDS_A: is no setting\nenvironment: FEEDS_B: is no setting"


@pytest.mark.parametrize(
    "data",
    [b"title = ", b'title = "a"\ntitle = "b"', b'title = "\xff"', b"title = " + b"[" * 100_000, b"port = " + b"9" * 10_000],
    ids=["no value", "twice", "no UTF-8", "nested without end", "endless number"],
)
def test_broken_feeds_toml_is_one_error(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_bytes(data)
    (found,) = reasons(tmp_path)
    assert found.startswith(f"{tmp_path}/feeds.toml: is no TOML: ")


def test_feeds_toml_may_start_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert load(tmp_path, file='\ufefftitle = "Café"') == Config(title="Café")


def test_missing_file_that_feeds_config_names_is_an_error(tmp_path: Path) -> None:
    assert reasons(tmp_path, environ={"FEEDS_CONFIG": "gone.toml"}) == (f"{tmp_path}/gone.toml: can't be read: No such file or directory",)


def test_folder_that_feeds_config_names_is_an_error(tmp_path: Path) -> None:
    assert reasons(tmp_path, environ={"FEEDS_CONFIG": "."}) == (f"{tmp_path}: can't be read: Is a directory",)


def test_database_is_named_after_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folders = [tmp_path / "one" / "my news", tmp_path / "two" / "my news"]
    for folder in folders:
        folder.mkdir(parents=True)
    one, two = (Config(content=folder).database_url for folder in folders)
    assert one.startswith(f"sqlite:///{tmp_path}/cache/feeds/my-news-")
    assert one.endswith(".sqlite3")
    assert one != two


def test_database_is_the_same_by_whatever_name_the_folder_goes(tmp_path: Path) -> None:
    (tmp_path / "news").mkdir()
    (tmp_path / "link").symlink_to("news")
    folders = [tmp_path / "news", tmp_path / "link", tmp_path / "news" / ".." / "news"]
    assert len({Config(content=folder).database_url for folder in folders}) == 1


def test_database_that_is_set_needs_no_folder() -> None:
    assert Config(database="sqlite:////srv/index.sqlite3").database_url == "sqlite:////srv/index.sqlite3"


@pytest.mark.parametrize(
    "url",
    [
        POSTGRESQL,
        "postgresql:///feeds",
        "postgresql://:@/feeds?host=/var/run/postgresql",
        "postgres://feeds:s3cr%2Ft@db.example.org:5432/feeds?sslmode=verify-full",
        "postgresql+psycopg://[2001:db8::1]:6432/feeds",
    ],
)
def test_database_may_be_in_postgresql(url: str, tmp_path: Path) -> None:
    assert load(tmp_path, {"database": url}).database_url == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:s3cret@host:port/feeds",
        "postgresql://user:s3cret@host",
        "postgresql://user:s3cret@host/",
        "postgresql://user:s3/cret@host/feeds",
        "postgresql+asyncpg://user:s3cret@host/feeds",
    ],
)
def test_address_of_postgresql_that_cannot_be_right_is_an_error_without_the_password(url: str, tmp_path: Path) -> None:
    assert reasons(tmp_path, options={"database": url}) == (
        "command line: --database: is no URL such as postgresql://user:password@host:5432/database, with other signs in names as %XX",
    )


def test_password_of_the_database_is_not_in_what_the_settings_look_like() -> None:
    assert "s3cret" not in repr(Config(database="postgresql://user:s3cret@host/feeds"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "content: is not set; name the folder of articles, or set FEEDS_CONTENT"),
        ("gone", "content: {}/gone: No such file or directory"),
        ("file", "content: {}/file is no folder"),
        ("file/below", "content: {}/file/below: Not a directory"),
        ("x" * 5000, f"content: {{}}/{'x' * 5000}: File name too long"),
    ],
)
def test_content_has_to_be_a_folder(content: str | None, reason: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    config = Config(content=None if content is None else tmp_path / content)
    with pytest.raises(ConfigError) as caught:
        _ = config.database_url
    assert caught.value.reasons == (reason.format(tmp_path),)


def test_content_with_a_null_character_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="embedded null"):
        Config(content=tmp_path / "a\0b").content_folder()


def test_site_defaults_to_what_was_requested() -> None:
    assert Config().site("http://localhost:8000") == Site(
        base_url="http://localhost:8000",
        site_url="http://localhost:8000",
        site_id="http://localhost:8000",
        title="Feeds",
        description="Articles from Feeds",
        language="en",
        max_age_seconds=300,
        has_search=True,
        hub=None,
    )


def test_site_and_its_id_default_to_the_base_url() -> None:
    site = Config(base_url="https://feeds.example.org", title="News").site("http://localhost:8000")
    assert (site.base_url, site.site_url, site.site_id) == ("https://feeds.example.org",) * 3
    assert site.description == "Articles from News"


def test_site_is_what_the_settings_say() -> None:
    config = Config(
        base_url="https://feeds.example.org",
        site_url="https://www.example.org",
        site_id="tag:example.org,2024:news",
        title="News",
        description="All the news",
        language="de",
        picture="https://www.example.org/p.png",
        page_size=20,
        max_age_seconds=60,
        hub="https://hub.example.org/",
        search=False,
    )
    assert config.site("http://localhost:8000") == Site(
        base_url="https://feeds.example.org",
        site_url="https://www.example.org",
        site_id="tag:example.org,2024:news",
        title="News",
        description="All the news",
        language="de",
        max_age_seconds=60,
        hub="https://hub.example.org/",
        picture="https://www.example.org/p.png",
        page_size=20,
    )


@pytest.mark.parametrize(
    ("setting", "changes_bytes"),
    [
        ({"base_url": "https://feeds.example.org"}, True),
        ({"site_url": "https://www.example.org"}, True),
        ({"site_id": "tag:example.org,2024:news"}, True),
        ({"title": "News"}, True),
        ({"description": "All the news"}, True),
        ({"language": "de"}, True),
        ({"picture": "https://www.example.org/p.png"}, True),
        ({"max_age_seconds": 60}, True),
        ({"hub": "https://hub.example.org/"}, True),
        ({"content": Path("/srv/news")}, False),
        ({"database": "sqlite:////srv/index.sqlite3"}, False),
        ({"search": False}, False),
        ({"refresh_seconds": 1}, False),
        ({"trusted_hosts": ("a.example.org",)}, False),
        ({"trusted_proxies": (ip_network("192.0.2.1"),)}, False),
        ({"operator_networks": ()}, False),
        ({"log_format": LogFormat.JSON}, False),
        ({"access_log": True}, False),
        ({"host": "192.0.2.1"}, False),
        ({"port": 80}, False),
        ({"workers": 2}, False),
        ({"description": "Articles from Feeds"}, False),  # the default, said
    ],
)
def test_fingerprint_changes_with_what_changes_bytes_and_with_nothing_else(setting: dict[str, Any], changes_bytes: bool) -> None:
    assert (Config(**setting).fingerprint() != Config().fingerprint()) is changes_bytes


def test_fingerprint_is_the_same_everywhere() -> None:
    assert Config(base_url="https://feeds.example.org", title="News").fingerprint() == (
        Config(base_url="https://feeds.example.org", site_url="https://feeds.example.org", title="News").fingerprint()
    )
