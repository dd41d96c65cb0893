"""Which settings there are: what each may be, and what it is for. Knows no source of them and no default; opens nothing."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from feeds import urls
from feeds.feed import LIMITS
from feeds.logs import LogFormat

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")
_KEY = re.compile(r"[!-+\--~]{16,200}")  # printable, without commas
_DIGITS = re.compile("[0-9]{1,12}")
_DATABASE = re.compile(r"([A-Za-z][A-Za-z0-9+]*)://.*", re.DOTALL)
_POSTGRESQL = re.compile(
    r"(?:postgres|postgresql(?:\+psycopg)?)://(?:[^/]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^/:?@\[\]]*)(?::[0-9]{1,5})?/[^/?]+(?:\?.*)?"
)
_SIZES = f"one of {', '.join(map(str, LIMITS))}"
SQLITE_FILE = re.compile(r"(sqlite(?:\+[a-z]+)?:///)(.+)", re.DOTALL)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("has to be text, and not empty")
    return value.strip()


def _database(value: Any) -> str:
    url = _text(value)
    found = _DATABASE.fullmatch(url)
    if found is None:
        raise ValueError("is no database URL such as sqlite:///index.sqlite3")
    database = found[1].partition("+")[0]
    if database == "sqlite":
        file = SQLITE_FILE.fullmatch(url)
        if file is None or file[2] == ":memory:":
            raise ValueError("has to name a file: an index in memory would be lost, and no other process could read it")
    elif database not in ("postgresql", "postgres"):
        raise ValueError("has to be of SQLite or PostgreSQL, such as sqlite:///index.sqlite3 or postgresql://user@host/database")
    elif not _POSTGRESQL.fullmatch(url):
        raise ValueError("is no URL such as postgresql://user:password@host:5432/database, with other signs in names as %XX")
    return url


def _database_in(directory: Path, url: str) -> str:
    file = SQLITE_FILE.fullmatch(url)
    return url if file is None else f"{file[1]}{directory / file[2]}"


def _web_url(value: Any) -> str:
    url = urls.web_url(_text(value))
    if "?" in url or "#" in url:
        raise ValueError("must not have a query or a fragment")
    return url.rstrip("/")


def _address(value: Any) -> str:
    return urls.web_url(_text(value))


def _site_id(value: Any) -> str:
    identity = _text(value).rstrip("/")
    if not urls.is_absolute_iri(identity):
        raise ValueError("is no absolute URL or IRI")
    return identity


def _language(value: Any) -> str:
    language = _text(value)
    if not _LANGUAGE.fullmatch(language):
        raise ValueError("is no language tag such as en or pt-BR")
    return language


def _whole_number(lowest: int, highest: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        text = _as_written(value)
        if not _DIGITS.fullmatch(text) or not lowest <= int(text) <= highest:
            raise ValueError(f"has to be a whole number from {lowest} to {highest}")
        return int(text)

    return check


def _page_size(value: Any) -> int:
    text = _as_written(value)
    if text not in map(str, LIMITS):
        raise ValueError(f"has to be {_SIZES}")
    return int(text)


def _as_written(value: Any) -> str:
    return value.strip() if isinstance(value, str) else repr(value)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.strip().lower() not in ("true", "false"):
        raise ValueError("has to be true or false")
    return value.strip().lower() == "true"


def _hosts(value: Any) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value
    hosts = tuple(str(host).strip().lower() for host in given) if isinstance(given, list) else ()
    if not hosts or not all(_HOST.fullmatch(host) for host in hosts):
        raise ValueError("has to be host names without a port, with commas between")
    return hosts


def _networks(value: Any) -> Networks:
    given = [each for each in value.split(",") if value.strip()] if isinstance(value, str) else value
    if not isinstance(given, list):
        raise ValueError("has to be IP networks or addresses, with commas between")
    return tuple(_network(str(each).strip()) for each in given)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"has to be IP networks or addresses, with commas between: {error}") from error


def _keys(value: Any) -> tuple[str, ...]:
    given = value.split(",") if isinstance(value, str) else value
    keys = tuple(str(key).strip() for key in given) if isinstance(given, list) else ()
    if not keys or not all(_KEY.fullmatch(key) for key in keys):
        raise ValueError("has to be keys of at least 16 characters, without spaces, with commas between")
    return keys


def _log_format(value: Any) -> LogFormat:
    try:
        return LogFormat(value)
    except ValueError:
        raise ValueError(f"has to be {' or '.join(LogFormat)}") from None


def _anywhere(_: Path, value: Any) -> Any:
    return value


class _Setting(NamedTuple):
    check: Callable[[Any], Any]
    help: str
    place: Callable[[Path, Any], Any] = _anywhere  # resolves a relative path against the folder it counts from


SETTINGS: Mapping[str, _Setting] = {
    "content": _Setting(_text, "the folder of article files", Path.joinpath),
    "database": _Setting(_database, "URL of the index, SQLite's or PostgreSQL's; default: a file in the user's cache folder", _database_in),
    "base_url": _Setting(_web_url, "where the feeds are, such as https://feeds.example.org; default: as requested"),
    "site_url": _Setting(_web_url, "the site that the articles belong to; default: base_url"),
    "site_id": _Setting(_site_id, "what the ids of feeds are made from, never to be changed; default: base_url"),
    "title": _Setting(_text, "title of the site"),
    "description": _Setting(_text, "what the site is about, in a sentence"),
    "language": _Setting(_language, "language of the articles, such as en or pt-BR"),
    "picture": _Setting(_address, "URL of a picture for feeds that have none of their own, best a square PNG or JPEG"),
    "page_size": _Setting(_page_size, "how many entries a feed has where nobody asks for another limit, " + _SIZES),
    "max_age_seconds": _Setting(_whole_number(0, 31_536_000), "how long readers and caches may keep a feed"),
    "hub": _Setting(_address, "URL of a WebSub hub, named in the feeds"),
    "search": _Setting(_flag, "whether any slice of the articles can be asked for"),
    "refresh_seconds": _Setting(_whole_number(0, 86_400), "how often the folder is looked through; 0: never"),
    "trusted_hosts": _Setting(_hosts, "hosts that may be asked for where base_url is not set, with commas between"),
    "trusted_proxies": _Setting(_networks, "IP networks of the proxies whose X-Forwarded headers count, with commas between"),
    "operator_networks": _Setting(_networks, "IP networks from where the server's state may be seen, with commas between"),
    "access_keys": _Setting(_keys, "keys of which readers need one, with commas between; not for the command line, which others see"),
    "log_format": _Setting(_log_format, "what the log is: text, or json with one object a line"),
    "access_log": _Setting(_flag, "whether the log has a line for every request"),
    "host": _Setting(_text, "address to listen on (feeds serve)"),
    "port": _Setting(_whole_number(1, 65_535), "port to listen on (feeds serve)"),
    "workers": _Setting(_whole_number(1, 256), "processes that answer (feeds serve)"),
}
HELP: Mapping[str, str] = {name: setting.help for name, setting in SETTINGS.items()}
