"""Reads events.parquet in a directory with DuckDB and with pandas, compares what they find with events.jsonl, which has
the same events as lines, and writes what they have read as duckdb.parquet and pandas.parquet."""

import base64
import json
import sys
import uuid
from pathlib import Path

import duckdb
import pandas

files = Path(sys.argv[1])
source = str(files / "events.parquet")
lines = [json.loads(line) for line in open(files / "events.jsonl", encoding="utf-8")]
lines = [line for line in lines if "entity" in line]


def expect(found, expected, what):
    if found != expected:
        sys.exit(f"{what}: {found!r}, and not {expected!r}")


def payload(line):
    """What is in the columns `payload`, as a value, and `payload_bytes`."""
    as_bytes = line.get("payload_base64")
    as_bytes = None if as_bytes is None else base64.b64decode(as_bytes)
    return line.get("payload"), as_bytes


def check(number, line, row):
    at = f"row {number}, "
    for name in ["sequence", "entity", "scope", "clock"]:
        expect(row[name], line[name], at + name)
    expect(uuid.UUID(str(row["id"])), uuid.UUID(line["id"]), at + "id")
    expect(row["kind"], int(line["kind"], 16), at + "kind")
    expect(row["type"], line.get("type"), at + "type")
    expect(row["wall_ms"], line["wall_ms"], at + "time")
    expect(list(row["tags"]), line.get("tags", []), at + "tags")
    expect(row["hash"], line["hash"], at + "hash")
    expect(bool(row["redacted"]), line.get("redacted", False), at + "redacted")
    text, as_bytes = payload(line)
    found = row["payload"]
    expect(None if found is None else json.loads(found), text, at + "payload")
    expect(row["payload_bytes"], as_bytes, at + "payload_bytes")


def none(value):
    """pandas says NaN or NaT of what is missing."""
    return None if value is None or value is pandas.NA or value != value else value


# DuckDB.
described = duckdb.sql(f"describe select * from '{source}'").fetchall()
types = {row[0]: row[1] for row in described}
for name, expected in {
    "sequence": "UBIGINT",
    "id": "UUID",
    "entity": "VARCHAR",
    "kind": "USMALLINT",
    "time": "TIMESTAMP WITH TIME ZONE",
    "tags": "VARCHAR[]",
    "payload": "JSON",
    "payload_bytes": "BLOB",
    "redacted": "BOOLEAN",
}.items():
    expect(types[name], expected, f"DuckDB's type of {name}")
query = f"""select sequence, id, entity, scope, kind, type, clock, epoch_ms(time) as wall_ms, tags,
    lower(hex(hash)) as hash, redacted, payload, payload_bytes from '{source}' order by sequence"""
names = query.split("from")[0]
relation = duckdb.sql(query)
columns = relation.columns
rows = [dict(zip(columns, row)) for row in relation.fetchall()]
expect(len(rows), len(lines), "DuckDB's rows")
for number, (line, row) in enumerate(zip(lines, rows)):
    check(number, line, row)
duckdb.sql(f"copy (select * from '{source}') to '{files / 'duckdb.parquet'}' (format parquet, compression snappy)")

# pandas.
frame = pandas.read_parquet(source)
expect(len(frame), len(lines), "pandas' rows")
expect(str(frame["time"].dtype.tz), "UTC", "pandas' zone")
for number, (line, row) in enumerate(zip(lines, frame.to_dict("records"))):
    row = {name: value if name == "tags" else none(value) for name, value in row.items()}
    identity = row["id"]
    row["id"] = identity if isinstance(identity, uuid.UUID) else uuid.UUID(bytes=identity)
    row["wall_ms"] = int(row["time"].timestamp() * 1000 + 0.5)
    row["hash"] = row["hash"].hex()
    check(number, line, row)
frame.to_parquet(files / "pandas.parquet", compression="snappy")
print(f"== DuckDB {duckdb.__version__} and pandas {pandas.__version__} have read {len(lines)} events")
