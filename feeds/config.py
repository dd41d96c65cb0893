"""The settings: their names, defaults and checks. The one place that names an environment variable; opens nothing.

Each setting has one name in three forms: the option `--base-url` beats the variable `FEEDS_BASE_URL` beats the key
`base_url` in `feeds.toml`.
"""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
import re
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from feeds import urls
from feeds.errors import ConfigError
from feeds.feed import Site

ENVIRONMENT_PREFIX = "FEEDS_"
CONFIG_FILE = "feeds.toml"
_CONFIG_VARIABLE = "FEEDS_CONFIG"
# What the bytes of feeds depend on besides settings and index; raise it with every change of a renderer.
_RENDERERS = 1
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")
_KEY = re.compile(r"[!-+\--~]{16,200}")  # printable, without commas
_DIGITS = re.compile("[0-9]{1,12}")
_DATABASE = re.compile(r"([A-Za-z][A-Za-z0-9+]*)://.*", re.DOTALL)
_SQLITE_FILE = re.compile(r"(sqlite(?:\+[a-z]+)?:///)(.+)", re.DOTALL)
_POSTGRESQL = re.compile(
    r"(?:postgres|postgresql(?:\+psycopg)?)://(?:[^/]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^/:?@\[\]]*)(?::[0-9]{1,5})?/[^/?]+(?:\?.*)?"
)
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
LOOPBACK_NETWORKS: Networks = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, checked."""

    content: Path | None = None
    database: str | None = field(default=None, repr=False)  # it may hold a password
    base_url: str | None = None
    site_url: str | None = None
    site_id: str | None = None
    title: str = "Feeds"
    description: str | None = None
    language: str = "en"
    picture: str | None = None
    max_age_seconds: int = 300
    hub: str | None = None
    search: bool = True
    refresh_seconds: int = 60
    trusted_hosts: tuple[str, ...] = LOOPBACK_HOSTS
    trusted_proxies: Networks = ()
    operator_networks: Networks = LOOPBACK_NETWORKS
    access_keys: tuple[str, ...] = field(default=(), repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1

    def __post_init__(self) -> None:
        if self.hub is not None and self.access_keys:
            raise ConfigError(["hub, access_keys: a hub hands the articles on to anybody; set one of the two"])

    @classmethod
    def load(cls, options: Mapping[str, Any], environ: Mapping[str, str], directory: Path) -> Config:
        """Return the settings from options, environment and the configuration file, each beating the next.

        `options` holds what was given only. The file is the one that FEEDS_CONFIG names, else `feeds.toml` in
        `directory`, where there is one; relative paths in it count from its folder, others from `directory`.

        Raises:
            ConfigError: settings are wrong or unknown; it names all of them.
        """
        reasons: list[str] = []
        values: dict[str, Any] = {}
        file = environ.get(_CONFIG_VARIABLE)
        path = directory / (file or CONFIG_FILE)
        if file or path.is_file():
            values |= _checked(_read(path, reasons), path.parent, str(path), str, reasons)
        variables = {
            name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
            for name, value in environ.items()
            if name.startswith(ENVIRONMENT_PREFIX) and name != _CONFIG_VARIABLE
        }
        values |= _checked(variables, directory, "environment", lambda name: f"{ENVIRONMENT_PREFIX}{name.upper()}", reasons)
        values |= _checked(options, directory, "command line", lambda name: f"--{name.replace('_', '-')}", reasons)
        if reasons:
            raise ConfigError(reasons)
        return cls(**values)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Return the settings of a server that takes no options."""
        return cls.load({}, environ, Path.cwd())

    @property
    def database_url(self) -> str:
        """Return the URL of the index.

        Raises:
            ConfigError: neither the database nor the content is set.
        """
        if self.database is not None:
            return self.database
        content = str(self.content_folder().resolve())
        digest = hashlib.sha256(content.encode(errors="surrogateescape")).hexdigest()[:12]
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(content).name)
        return f"sqlite:///{platformdirs.user_cache_path('feeds') / f'{name}-{digest}.sqlite3'}"

    @property
    def counts_folder(self) -> Path:
        """Return the folder in which the processes of a server put together what they count: beside an index in a file."""
        file = _SQLITE_FILE.fullmatch(self.database_url)
        if file is not None:
            return Path(f"{file[2]}.counts")
        digest = hashlib.sha256(self.database_url.encode()).hexdigest()[:12]
        return platformdirs.user_cache_path("feeds") / f"{digest}.counts"

    def content_folder(self) -> Path:
        """Return the folder of articles.

        Raises:
            ConfigError: it is not set, or no folder.
        """
        if self.content is None:
            raise ConfigError(["content: is not set; name the folder of articles, or set FEEDS_CONTENT"])
        try:
            is_folder = stat.S_ISDIR(self.content.stat().st_mode)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ConfigError([f"content: {self.content}: {reason}"]) from error
        if not is_folder:
            raise ConfigError([f"content: {self.content} is no folder"])
        return self.content

    @property
    def local_url(self) -> str:
        """Return where `feeds serve` answers on this machine."""
        host = in_url(self.host)
        return f"http://{host if host in self.trusted_hosts else self.trusted_hosts[0]}:{self.port}"

    def site(self, requested_base_url: str) -> Site:
        """Return what holds for the site; `requested_base_url` counts where base_url is not set."""
        base_url = self.base_url or requested_base_url
        return Site(
            base_url=base_url,
            site_url=self.site_url or base_url,
            site_id=self.site_id or base_url,
            title=self.title,
            description=self.description or f"Articles from {self.title}",
            language=self.language,
            picture=self.picture,
            max_age_seconds=self.max_age_seconds,
            hub=self.hub,
            has_search=self.search,
        )

    def site_with_hub(self) -> Site | None:
        """Return the site where its hub can be told of changes: it has one, and its feeds have addresses of their own."""
        return None if self.hub is None or self.base_url is None else self.site(self.base_url)

    def fingerprint(self) -> str:
        """Return what changes whenever these settings, or this program, make other bytes of the same articles' feeds.

        Search is none of them: it makes other pages, and these go by their bytes.
        """
        return hashlib.sha256(repr((_RENDERERS, replace(self.site("requested"), has_search=True))).encode()).hexdigest()


def in_url(host: str) -> str:
    """Return how a host or address is written in a URL."""
    return f"[{host}]" if ":" in host else host


def _read(path: Path, reasons: list[str]) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        reasons.append(f"{path}: can't be read: {error.strerror}")
    except (ValueError, RecursionError) as error:
        reasons.append(f"{path}: is no TOML: {error}")
    return {}


def _checked(
    given: Mapping[str, Any], directory: Path, source: str, name_in_source: Callable[[str], str], reasons: list[str]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in given.items():
        setting = _SETTINGS.get(name)
        try:
            if setting is None:
                near = difflib.get_close_matches(name, _SETTINGS, 1)
                raise ValueError("is no setting" + (f"; is {name_in_source(near[0])} meant?" if near else ""))
            values[name] = setting.place(directory, setting.check(value))
        except ValueError as error:
            reasons.append(f"{source}: {name_in_source(name)}: {error}")
    return values


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
        file = _SQLITE_FILE.fullmatch(url)
        if file is None or file[2] == ":memory:":
            raise ValueError("has to name a file: an index in memory would be lost, and no other process could read it")
    elif database not in ("postgresql", "postgres"):
        raise ValueError("has to be of SQLite or PostgreSQL, such as sqlite:///index.sqlite3 or postgresql://user@host/database")
    elif not _POSTGRESQL.fullmatch(url):
        raise ValueError("is no URL such as postgresql://user:password@host:5432/database, with other signs in names as %XX")
    return url


def _database_in(directory: Path, url: str) -> str:
    file = _SQLITE_FILE.fullmatch(url)
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
        text = value.strip() if isinstance(value, str) else repr(value)
        if not _DIGITS.fullmatch(text) or not lowest <= int(text) <= highest:
            raise ValueError(f"has to be a whole number from {lowest} to {highest}")
        return int(text)

    return check


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


def _anywhere(_: Path, value: Any) -> Any:
    return value


class _Setting(NamedTuple):
    check: Callable[[Any], Any]
    help: str
    place: Callable[[Path, Any], Any] = _anywhere  # resolves a relative path against the folder it counts from


_SETTINGS: Mapping[str, _Setting] = {
    "content": _Setting(_text, "the folder of article files", Path.joinpath),
    "database": _Setting(_database, "URL of the index, SQLite's or PostgreSQL's; default: a file in the user's cache folder", _database_in),
    "base_url": _Setting(_web_url, "where the feeds are, such as https://feeds.example.org; default: as requested"),
    "site_url": _Setting(_web_url, "the site that the articles belong to; default: base_url"),
    "site_id": _Setting(_site_id, "what the ids of feeds are made from, never to be changed; default: base_url"),
    "title": _Setting(_text, "title of the site"),
    "description": _Setting(_text, "what the site is about, in a sentence"),
    "language": _Setting(_language, "language of the articles, such as en or pt-BR"),
    "picture": _Setting(_address, "URL of a picture for feeds that have none of their own, best a square PNG or JPEG"),
    "max_age_seconds": _Setting(_whole_number(0, 31_536_000), "how long readers and caches may keep a feed"),
    "hub": _Setting(_address, "URL of a WebSub hub, named in the feeds"),
    "search": _Setting(_flag, "whether any slice of the articles can be asked for"),
    "refresh_seconds": _Setting(_whole_number(0, 86_400), "how often the folder is looked through; 0: never"),
    "trusted_hosts": _Setting(_hosts, "hosts that may be asked for where base_url is not set, with commas between"),
    "trusted_proxies": _Setting(_networks, "IP networks of the proxies whose X-Forwarded headers count, with commas between"),
    "operator_networks": _Setting(_networks, "IP networks from where the server's state may be seen, with commas between"),
    "access_keys": _Setting(_keys, "keys of which readers need one, with commas between; not for the command line, which others see"),
    "host": _Setting(_text, "address to listen on (feeds serve)"),
    "port": _Setting(_whole_number(1, 65_535), "port to listen on (feeds serve)"),
    "workers": _Setting(_whole_number(1, 256), "processes that answer (feeds serve)"),
}
HELP: Mapping[str, str] = {name: setting.help for name, setting in _SETTINGS.items()}
