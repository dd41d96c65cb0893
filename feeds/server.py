"""`feeds serve`: one process that keeps the index, and granian's workers that answer. Knows granian."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing.process import BaseProcess

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from feeds import makers, paths, worker
from feeds.clock import now
from feeds.config import LOOPBACK_HOSTS, Config, in_url
from feeds.errors import ConfigError, FeedsError, IndexBusyError
from feeds.feed import FeedAddress
from feeds.intake import Progress, unheard
from feeds.logs import LogFormat, start_logging
from feeds.metering import Meter
from feeds.model import Kind
from feeds.reading import Reader
from feeds.render import FORMATS
from feeds.reporting import log_news, summary
from feeds.service import FeedService
from feeds.store.sql import connect_store, open_store

_LISTED_TOPICS = 20
_TICK_SECONDS = 0.5
THREADS = 1  # of each worker that call the application; what is not ready is for others (see `makers`)
CONNECTIONS = 512  # of each worker, each of which is an open file; more wait in its queue
# Of each connection, with nothing asked. Whoever says nothing for so long, or a word at a time, makes room for others.
_SILENCE_MILLISECONDS = 5_000
_LONGEST_REQUEST = 32 * 1024  # bytes, without a body; as other servers have it, and it is memory of each connection
_GRANIAN_LOGGING = {"loggers": {"_granian": {"propagate": True}}}  # what granian says goes where everything else goes


def serve(config: Config, say: Callable[[str], None], reader: Reader | None = None, progress: Progress = unheard) -> None:
    """Index the folder, if somebody reads one, say which feeds there are, and serve them until stopped.

    Raises:
        ConfigError: there is no folder, nobody could ask for its feeds, or the address can't be listened on.
    """
    config = replace(config, database=config.database_url)  # for good, whatever becomes of the folder
    address = _free_address(config)
    store = open_store(config.database_url)
    service = FeedService(store)
    if reader is not None:
        say(_first_refresh(service, config, reader, progress))
        reader.end()  # before others are forked
    for line in _welcome(service, config):
        say(line)
    store.close()  # the workers are forked, and neither threads nor an open database survive that
    watching = _start_watching(config) if config.content is not None and config.refresh_seconds else None
    workers = replace(config, content=None)  # they answer from the index alone
    gc.freeze()  # a collection in a worker would write to every object, and so copy the memory that the workers share
    makers.divide_the_work()
    worker.keep_signals_across_forks()
    server = Granian(
        "feeds",
        address=address,
        port=config.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,  # a connection that could still be of either waits for its first word for ever
        http1_settings=HTTP1Settings(header_read_timeout=_SILENCE_MILLISECONDS, max_buffer_size=_LONGEST_REQUEST),
        workers=config.workers,
        log_level=LogLevels.warning,
        log_dictconfig=_GRANIAN_LOGGING,
        websockets=False,
        blocking_threads=THREADS,
        backpressure=CONNECTIONS,
        respawn_failed_workers=True,
        # No `workers_kill_timeout`: two threads would wait for the end of each worker, and the one that comes too late
        # says that it has to be killed, and kills whoever has its number by now. A worker ends itself.
    )
    try:
        server.serve(target_loader=partial(worker.application, workers, os.getpid()), wrap_loader=False)
    finally:
        if watching is not None:
            watching.terminate()


def _free_address(config: Config) -> str:
    """Return the IP address to listen on, after a try: two servers may share a port, and each would get half of the requests.

    Raises:
        ConfigError: it can't be listened on, or no request to it could be for a trusted host.
    """
    trusted, everywhere = config.trusted_hosts, ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
    is_local = config.host in everywhere or in_url(config.host) in trusted
    if config.base_url is None and not is_local and set(trusted) <= set(LOOPBACK_HOSTS):
        raise ConfigError([f"base_url: is not set, and {config.host} is no trusted host; set base_url to where the feeds will be"])
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is no host name"
        raise ConfigError([f"host, port: can't listen at {config.host}, port {config.port}: {reason}"]) from error
    return str(address[0])


def _start_watching(config: Config) -> BaseProcess:
    """Start the process that sees to the index. Ctrl+C reaches the whole group and is not for it: it ends with this one."""
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = multiprocessing.get_context("spawn").Process(target=_see_to_the_index, args=(config, os.getpid()))
    process.start()
    signal.signal(signal.SIGINT, handler)
    return process


def _see_to_the_index(config: Config, parent: int) -> None:
    """Have a process that keeps the index as long as `parent` lives; where one is killed, for lack of memory for instance, another."""
    start_logging(config.log_format, config.access_keys)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    while True:
        keeper = multiprocessing.get_context("fork").Process(target=_keep, args=(config, os.getpid(), parent))
        keeper.start()
        try:
            while keeper.exitcode is None:
                keeper.join(_TICK_SECONDS)
                if os.getppid() != parent:
                    return
        finally:
            keeper.terminate()
        logging.getLogger("feeds").error("the process that keeps the index came to a sudden end (%s); another one goes on", keeper.exitcode)


def _keep(config: Config, parent: int, server: int) -> None:
    from feeds.watching import watch_events  # noqa: PLC0415 - the workers need nothing of it, and are forked from here

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    watch_events(FeedService(connect_store(config.database_url)), config, now, parent, Meter(config.counts_folder, server))


def _first_refresh(service: FeedService, config: Config, reader: Reader, progress: Progress) -> str:
    try:
        result = service.refresh(reader, config.fingerprint(), now(), progress=progress)
    except IndexBusyError as error:
        return f"{error}; these feeds follow it"
    except FeedsError as error:
        if service.state(now()).refreshed_at is None:
            raise
        return f"not refreshed: {error}; the feeds are what they were"
    log_news(result)
    return summary(result)


def _welcome(service: FeedService, config: Config) -> list[str]:
    base_url = config.site(config.local_url).base_url
    if config.log_format is LogFormat.JSON:
        return [f"serving {base_url}/"]
    topics = sorted(service.collections(Kind.TOPIC, now()), key=lambda topic: -topic.article_count)
    lines = [f"{base_url}/", "", "Subscribe to everything or to a topic (.rss, .atom or .json):"]
    addresses = [FeedAddress(), *(FeedAddress(Kind.TOPIC, topic.slug) for topic in topics[:_LISTED_TOPICS])]
    lines += [f"  {base_url}{paths.feed_path(address, next(iter(FORMATS)))}" for address in addresses]
    if len(topics) > _LISTED_TOPICS:
        lines.append(f"  and {len(topics) - _LISTED_TOPICS} more topics: {base_url}{paths.OPML_PATH}")
    return [*lines, "", "Stop with Ctrl+C."]
