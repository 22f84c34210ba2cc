"""What goes wrong, as a small hierarchy: ``except Conflict`` catches all that somebody else was faster at.

``kind`` says exactly what it was, ``details`` what a program may want to know beside the message.
"""

from __future__ import annotations

from typing import Any, Dict, Optional


class StrandlineError(Exception):
    """Every error of the store. Its class says what to do, ``kind`` what it was."""

    def __init__(
        self, message: str, kind: str = "", details: Optional[Dict[str, Any]] = None
    ) -> None:
        super().__init__(message, kind, details)
        self.message = message
        self.kind = kind
        self.details: Dict[str, Any] = details or {}

    def __str__(self) -> str:
        return self.message


class InvalidInput(StrandlineError, ValueError):
    """An argument breaks a rule, or is over a limit (``too_large``): change it and call again."""


class Conflict(StrandlineError):
    """Nothing was written, because of what is in the store: read again and decide anew."""


class WrongExpectedVersion(Conflict):
    """The stream of an entity is not as the event expected; ``details["actual"]`` is its version."""


class ConditionFailed(Conflict):
    """Something was appended that the condition excludes; ``details["sequence"]`` says where."""


class Locked(StrandlineError):
    """Another holder has the store open to write, or this handle has lost it (``lock_lost``, ``fenced``)."""


class NotFound(StrandlineError):
    """There is no store in the directory."""


class ReadOnly(StrandlineError):
    """The store was opened to read only."""


class Closed(StrandlineError):
    """The store was closed."""


class Busy(StrandlineError):
    """Too many appends are in flight: wait for one of them."""


class NotWritten(StrandlineError):
    """What was asked for did not happen, and may be tried again."""


class UnknownOutcome(StrandlineError):
    """Whether the events are there shows after a reopen: look for ``details["ids"]``."""


class Poisoned(StrandlineError):
    """An earlier failure stopped all writing: reopen the store."""


class Corrupt(StrandlineError):
    """Bytes on disk are not what was written; the message names file and place."""


class PayloadError(StrandlineError):
    """A payload cannot be written or read as what it was asked for (``payload``, ``sealed``, ``forgotten``)."""


class Redacted(PayloadError):
    """The payload was removed for good."""


class Foreign(StrandlineError):
    """A position, receipt or head is not of this store as it is."""


class StoreIoError(StrandlineError):
    """The file system refused to read."""


_CLASSES = {
    "invalid_input": InvalidInput,
    "too_large": InvalidInput,
    "refused_time": InvalidInput,
    "conflict": Conflict,
    "kind_conflict": Conflict,
    "tracking_conflict": Conflict,
    "wrong_expected_version": WrongExpectedVersion,
    "condition_failed": ConditionFailed,
    "locked": Locked,
    "lock_lost": Locked,
    "fenced": Locked,
    "not_found": NotFound,
    "read_only": ReadOnly,
    "closed": Closed,
    "busy": Busy,
    "not_written": NotWritten,
    "not_replicated": NotWritten,
    "unknown": UnknownOutcome,
    "poisoned": Poisoned,
    "corrupt": Corrupt,
    "log_behind_checkpoint": Corrupt,
    "payload": PayloadError,
    "sealed": PayloadError,
    "forgotten": PayloadError,
    "redacted": Redacted,
    "receipt_mismatch": Foreign,
    "foreign_token": Foreign,
    "foreign_head": Foreign,
    "foreign_position": Foreign,
    "io": StoreIoError,
}


def _made(kind: str, message: str, details: Dict[str, Any]) -> StrandlineError:
    """The exception of a kind."""
    return _CLASSES.get(kind, StrandlineError)(message, kind, details)
