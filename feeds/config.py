"""The settings of a site: their defaults, where they come from, and what follows. The one place that names an environment variable.

Each setting has one name in three forms: the option `--base-url` beats the variable `FEEDS_BASE_URL` beats the key
`base_url` in `feeds.toml`. Nothing is opened here but that file.
"""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from feeds.errors import ConfigError
from feeds.feed import PAGE_SIZE, Site
from feeds.logs import LogFormat
from feeds.settings import SETTINGS, SQLITE_FILE, Networks

ENVIRONMENT_PREFIX = "FEEDS_"
CONFIG_FILE = "feeds.toml"
_CONFIG_VARIABLE = "FEEDS_CONFIG"
# What the bytes of feeds depend on besides settings and index; raise it with every change of a renderer.
_RENDERERS = 3
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
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
    page_size: int = PAGE_SIZE
    max_age_seconds: int = 300
    hub: str | None = None
    search: bool = True
    refresh_seconds: int = 60
    trusted_hosts: tuple[str, ...] = LOOPBACK_HOSTS
    trusted_proxies: Networks = ()
    operator_networks: Networks = LOOPBACK_NETWORKS
    access_keys: tuple[str, ...] = field(default=(), repr=False)
    log_format: LogFormat = LogFormat.TEXT
    access_log: bool = False
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
        return f"sqlite:///{_cache_folder() / f'{name}-{digest}.sqlite3'}"

    @property
    def counts_folder(self) -> Path:
        """Return the folder in which the processes of a server put together what they count: beside an index in a file."""
        file = SQLITE_FILE.fullmatch(self.database_url)
        if file is not None:
            return Path(f"{file[2]}.counts")
        digest = hashlib.sha256(self.database_url.encode()).hexdigest()[:12]
        return _cache_folder() / f"{digest}.counts"

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
            page_size=self.page_size,
        )

    def site_with_hub(self) -> Site | None:
        """Return the site where its hub can be told of changes: it has one, and its feeds have addresses of their own."""
        return None if self.hub is None or self.base_url is None else self.site(self.base_url)

    def fingerprint(self) -> str:
        """Return what changes whenever these settings, or this program, make other bytes of the same articles' feeds.

        Search is none of them: it makes other pages, and these go by their bytes.
        """
        return hashlib.sha256(repr((_RENDERERS, replace(self.site("requested"), has_search=True))).encode()).hexdigest()


def _cache_folder() -> Path:
    import platformdirs  # noqa: PLC0415 - where no database is named only

    return platformdirs.user_cache_path("feeds")


def in_url(host: str) -> str:
    """Return how a host or address is written in a URL."""
    return f"[{host}]" if ":" in host else host


def _read(path: Path, reasons: list[str]) -> Mapping[str, Any]:
    import tomllib  # noqa: PLC0415 - where there is such a file only

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
        setting = SETTINGS.get(name)
        try:
            if setting is None:
                near = difflib.get_close_matches(name, SETTINGS, 1)
                raise ValueError("is no setting" + (f"; is {name_in_source(near[0])} meant?" if near else ""))
            values[name] = setting.place(directory, setting.check(value))
        except ValueError as error:
            reasons.append(f"{source}: {name_in_source(name)}: {error}")
    return values
