"""Permissions that hold for root, too: what tests take from themselves, because they may run as root, whom no mode of a file stops."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

_VERSION = 0x20080522  # of the calls below: 64 capabilities, in two parts
_OVERRIDES = 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Part(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextmanager
def permissions_hold() -> Iterator[None]:
    """Have this thread stopped by permissions, whoever it runs as.

    Spec: https://man7.org/linux/man-pages/man2/capset.2.html
    """
    header, parts = _Header(_VERSION, 0), (_Part * 2)()
    _call(_libc.capget, header, parts)
    before = parts[0].effective
    parts[0].effective = before & ~_OVERRIDES
    _call(_libc.capset, header, parts)
    try:
        yield
    finally:
        parts[0].effective = before
        _call(_libc.capset, header, parts)


def _call(function: ctypes._CFuncPtr, header: _Header, parts: ctypes.Array[_Part]) -> None:
    if function(ctypes.byref(header), ctypes.byref(parts)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
