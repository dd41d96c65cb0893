"""Programs of the system that tests need, installed from Debian's packages where they are missing and that can be done."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest


def program(package: str, *names: str) -> str:
    """Return the path of a program that goes by one of these names, by default the package's."""
    names = names or (package,)
    found = _found(names)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", package]):
            subprocess.run(["apt-get", *command], check=True, stdout=subprocess.DEVNULL)
        found = _found(names)
    if found is None:
        pytest.fail(f"install Debian's package {package}, or put {' or '.join(names)} into PATH")
    return found


def _found(names: tuple[str, ...]) -> str | None:
    return next(filter(None, map(shutil.which, names)), None)
