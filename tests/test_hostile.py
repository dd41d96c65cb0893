"""Hostile requests to `feeds serve` with two workers, over raw sockets: right statuses, nothing leaked, nobody kept waiting."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given, settings

from .corpus import write_corpus
from .hostile import Attack, Target, attacks, broken_attacks
from .processes import UNMEASURED, Program, free_port, running

BROKEN = 124  # four of each kind


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("hostile")
    write_corpus(folder / "content", 60)
    port = free_port()
    command = [sys.executable, "-m", "feeds", "serve", "content", "--port", str(port), "--workers", "2"]
    with running(command, port, folder, UNMEASURED) as program:
        program.wait_until_ready()
        yield program
        assert "Traceback" not in program.output()


@pytest.fixture(scope="module")
def target(server: Program) -> Target:
    return Target(server.port, (str(server.log.parent).encode(),))


@settings(derandomize=True, max_examples=400)
@given(sent=attacks())
def test_no_request_brings_an_error_or_a_leak(target: Target, sent: Attack) -> None:
    assert target.exchange(sent).faults == ()


def test_nothing_that_is_no_request_brings_an_error_or_a_leak(target: Target, server: Program) -> None:
    found = {sent: target.exchange(sent).faults for sent in islice(broken_attacks(seed=1), BROKEN)}
    assert {sent: faults for sent, faults in found.items() if faults} == {}
    assert server.get("/feed.rss").status == 200
