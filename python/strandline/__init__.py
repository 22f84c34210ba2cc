"""An embedded, append-only event store: hash-chained, snapshot-readable, durable when it says so.

>>> import strandline, tempfile
>>> with strandline.Store.open(tempfile.mkdtemp() + "/orders.strand") as store:
...     receipt = store.append("order:1", "order.placed", {"total": 5}, tags=["customer:7"])
...     now = store.snapshot()
...     [event.json() for event in now.query(strandline.Region(tags=["customer:7"]))]
[{'total': 5}]
"""

from ._strandline import (
    BackedUp,
    Condition,
    ConsistencyProof,
    Cursor,
    Event,
    EventProof,
    Events,
    NewEvent,
    Receipt,
    Region,
    Snapshot,
    Store,
    TreeHead,
    VerifyReport,
)
from .errors import (
    Busy,
    Closed,
    ConditionFailed,
    Conflict,
    Corrupt,
    Foreign,
    InvalidInput,
    Locked,
    NotFound,
    NotWritten,
    PayloadError,
    Poisoned,
    ReadOnly,
    Redacted,
    StoreIoError,
    StrandlineError,
    UnknownOutcome,
    WrongExpectedVersion,
)
from .typed import Registry

__all__ = [
    "BackedUp", "Busy", "Closed", "Condition", "ConditionFailed", "Conflict", "ConsistencyProof",
    "Corrupt", "Cursor", "Event", "EventProof", "Events", "Foreign", "InvalidInput", "Locked",
    "NewEvent", "NotFound", "NotWritten", "PayloadError", "Poisoned", "ReadOnly", "Receipt",
    "Redacted", "Region", "Registry", "Snapshot", "StoreIoError", "Store", "StrandlineError",
    "TreeHead", "UnknownOutcome", "VerifyReport", "WrongExpectedVersion",
]
