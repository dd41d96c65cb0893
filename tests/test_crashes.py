"""Whoever refreshes is killed, again and again: nothing is lost, nothing is mixed, nobody is left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import REPOSITORY
from .processes import UNMEASURED


@pytest.mark.every_database
def test_refresh_that_is_killed_at_any_moment_leaves_the_old_state_or_the_new_one(database: str, content: Path) -> None:
    command = [sys.executable, "-m", "tests.killing", database, str(content), "1"]
    found = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, env=os.environ | UNMEASURED)
    assert found.returncode == 0, found.stderr
    killed, done = (int(word) for word in found.stdout.split() if word.isdecimal())
    assert killed > 0 < done
