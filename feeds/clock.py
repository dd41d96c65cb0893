"""What time it is. Asked at the edges alone: everything below is given the moment."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the moment, in UTC and whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)
