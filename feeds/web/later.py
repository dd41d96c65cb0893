"""Bodies that are made when they are asked for. Knows WSGI; knows no route and no server.

A server that says in the environ that it can wait gets one for whatever is not ready, and has it made by another thread
than the one that gives the ready answers. No other server ever meets one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

CAN_WAIT = "feeds.can_wait"  # in the environ of a request whose body may be a `Later`


class Later(Iterable[bytes]):
    """The body of an answer that nobody has begun with: who iterates makes it, and `start_response` is called then (PEP 3333)."""

    def __init__(self, make: Callable[[], Iterable[bytes]]) -> None:
        self._make = make
        self._afterwards: list[Callable[[], object]] = []

    def then(self, do: Callable[[], object]) -> None:
        """Have something done when the answer is made, whether or not that works."""
        self._afterwards.append(do)

    def __iter__(self) -> Iterator[bytes]:
        with ExitStack() as stack:
            for do in self._afterwards:
                stack.callback(do)
            body = self._make()
            stack.callback(getattr(body, "close", tuple))
            yield from body
