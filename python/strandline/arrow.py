"""Queries as columns, for ``pip install strandline[arrow]`` and ``[pandas]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List

from ._strandline import Events

if TYPE_CHECKING:
    import pandas
    import pyarrow

_ROWS = 1 << 16


def _batch(pa: Any, columns: Dict[str, Any]) -> Any:
    rows: int = columns["rows"]

    def fixed(name: str, kind: Any, there: Any = None) -> Any:
        buffers = [there and pa.py_buffer(there), pa.py_buffer(columns[name])]
        return pa.Array.from_buffers(kind, rows, buffers)

    def names(name: str) -> Any:
        keys, offsets, text = map(pa.py_buffer, columns[name])
        values = pa.Array.from_buffers(
            pa.large_string(), offsets.size // 8 - 1, [None, offsets, text]
        )
        keys = pa.Array.from_buffers(pa.uint32(), rows, [None, keys])
        return pa.DictionaryArray.from_arrays(keys, values)

    arrays = {
        "sequence": fixed("sequence", pa.uint64()),
        "id": fixed("id", pa.binary(16)),
        "entity": names("entity"),
        "scope": names("scope"),
        "kind": fixed("kind", pa.uint16()),
        "version": fixed("version", pa.uint16()),
        "clock": fixed("clock", pa.uint32()),
        "time": fixed("time", pa.timestamp("ms", "UTC")),
        "correlation": fixed("correlation", pa.binary(16)),
        "causation": fixed("causation", pa.binary(16), columns["causation_there"]),
        "encoding": fixed("encoding", pa.uint8()),
    }
    if "payload" in columns:
        buffers = [pa.py_buffer(buffer) for buffer in columns["payload"]]
        arrays["payload"] = pa.Array.from_buffers(pa.large_binary(), rows, buffers)
    return pa.RecordBatch.from_arrays(list(arrays.values()), names=list(arrays))


def to_arrow(events: Events, *, payload: bool = True) -> "pyarrow.Table":
    """The events that are left of a query, as a table; a redacted payload is null.

    >>> import strandline, strandline.arrow, tempfile
    >>> with strandline.Store.open(tempfile.mkdtemp() + "/a.strand") as store:
    ...     receipt = store.append("order:1", 0x1001, b"five")
    ...     strandline.arrow.to_arrow(store.snapshot().query())["payload"].to_pylist()
    [b'five']
    """
    import pyarrow as pa

    batches: List[Any] = []
    while (columns := events._columns(_ROWS, payload)) is not None:
        batches.append(_batch(pa, columns))
    if batches:
        return pa.Table.from_batches(batches).unify_dictionaries()
    texts = pa.dictionary(pa.uint32(), pa.large_string())
    none: Dict[str, Any] = {
        "sequence": pa.uint64(), "id": pa.binary(16), "entity": texts, "scope": texts,
        "kind": pa.uint16(), "version": pa.uint16(), "clock": pa.uint32(),
        "time": pa.timestamp("ms", "UTC"), "correlation": pa.binary(16),
        "causation": pa.binary(16), "encoding": pa.uint8(),
    }
    if payload:
        none["payload"] = pa.large_binary()
    return pa.schema(list(none.items())).empty_table()


def to_pandas(events: Events, *, payload: bool = True) -> "pandas.DataFrame":
    """As ``to_arrow``, as a frame: entities and scopes are categories."""
    return to_arrow(events, payload=payload).to_pandas()
