"""The errors of the whole program, and nothing else.

    FeedsError
    ├── ConfigError         settings that are wrong or unknown, all of them at once
    ├── RequestError        a parameter of a feed request has a value it can't have
    ├── NotFoundError       there is no such topic, category, type, provider or format
    ├── NotReadyError       the folder was not read yet, so there is nothing to say
    ├── MassLossError       more articles would go at once than anybody may mean
    ├── ExportError         a folder that can't be exported to, or must not be
    └── StoreError          the index can't be opened, read or written
        ├── IndexAwayError  the server of its database can't be reached
        ├── IndexBusyError  another process is refreshing the index right now
        └── IndexDamagedError   the file of the index is damaged; the next refresh makes it anew

A bad article file is no exception: it is a `Problem` in an `Outcome` (see `model`), because one
bad file never stops the others.
"""

from collections.abc import Sequence


class FeedsError(Exception):
    """Something a person can act on; the message is complete and made for them."""


class ConfigError(FeedsError):
    """Settings are wrong; `reasons` has one line for each."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(self.reasons))


class RequestError(FeedsError):
    """A known parameter has a bad value."""

    def __init__(self, parameter: str, reason: str) -> None:
        self.parameter = parameter
        self.reason = reason
        super().__init__(f"{parameter}: {reason}")


class NotFoundError(FeedsError):
    """There is no such thing; `suggestions` are near names with their slugs, best first."""

    def __init__(self, what: str, suggestions: Sequence[tuple[str, str]] = ()) -> None:
        self.what = what
        self.suggestions = tuple(suggestions)
        near = ", ".join(slug for _, slug in self.suggestions)
        super().__init__(f"there is no {what}" + (f"; near: {near}" if near else ""))


class NotReadyError(FeedsError):
    """The index is empty still; it will not be for long."""

    def __init__(self) -> None:
        super().__init__("the index is empty still: the folder was not read yet")


class MassLossError(FeedsError):
    """So many articles would be gone after a refresh that the folder is more likely away than meant; nothing was changed."""

    def __init__(self, lost: int, total: int) -> None:
        self.lost = lost
        self.total = total
        super().__init__(f"{lost} of {total} articles would be gone at once; if that is meant, run feeds index --allow-mass-delete")


class ExportError(FeedsError):
    """A file or folder of an export can't be written, or must not be."""

    def __init__(self, place: object, reason: str) -> None:
        self.place = str(place)
        self.reason = reason
        super().__init__(f"{place}: {reason}")


class StoreError(FeedsError):
    """The index can't be opened, read or written; the driver's error is the cause."""


class IndexAwayError(StoreError):
    """The database server of the index can't be reached, which may pass."""


class IndexBusyError(StoreError):
    """Another process is refreshing the index; its result will be ours too."""


class IndexDamagedError(StoreError):
    """The file of the index is damaged; the next refresh makes it anew."""

    def __init__(self, place: object, reason: str) -> None:
        super().__init__(f"{place}: the index is damaged ({reason}); the next refresh makes it anew, or run feeds index")
