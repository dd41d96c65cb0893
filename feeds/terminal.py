"""How far a refresh is, as a bar on a terminal. Knows click; knows no index."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import click

from feeds.intake import Progress, Stage
from feeds.logs import LogFormat
from feeds.reporting import LoggedProgress


@contextmanager
def progress(log_format: LogFormat) -> Iterator[Progress]:
    """Show a bar where somebody looks at stderr and its lines are text, else log."""
    if sys.stderr.isatty() and log_format is LogFormat.TEXT:
        with ExitStack() as stack:
            yield _Bar(stack)
    else:
        yield LoggedProgress()


class _Bar:
    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._bar: Any = None
        self._done = 0

    def __call__(self, stage: Stage, done: int, total: int) -> None:
        if stage is Stage.READ and total:
            if self._bar is None:
                bar = click.progressbar(length=total, label=stage, file=sys.stderr, show_pos=True)
                self._bar = self._stack.enter_context(bar)
            self._bar.update(done - self._done)
            self._done = done
        elif stage is Stage.WRITE:
            self._stack.close()  # the last state of the bar stays on the screen
