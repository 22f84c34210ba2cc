"""Snapshots, queries, receipts, positions, proofs, columns, backups and verification."""

import uuid

import pytest

import strandline
from strandline import NewEvent, Region, Store, TreeHead


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.strand") as store:
        store.append_batch(
            NewEvent(f"e:{n % 7}", "even" if n % 2 == 0 else "odd", {"n": n}, scope=f"s{n % 2}", tags=[f"t:{n % 3}"])
            for n in range(5000)
        )
        yield store


def numbers(events):
    return [event.json()["n"] for event in events]


def test_queries_give_what_matches_in_order(store):
    now = store.snapshot()
    assert numbers(now.query()) == list(range(5000))
    assert numbers(now.query(reverse=True)) == list(range(4999, -1, -1))
    assert numbers(now.query(limit=3000, reverse=True)) == list(range(4999, 1999, -1))
    assert numbers(now.query(limit=0)) == []
    assert numbers(now.stream("e:3")) == list(range(3, 5000, 7))
    assert numbers(now.query(Region(kind="odd", tags=["t:0"]))) == list(range(3, 5000, 6))
    assert numbers(now.query(Region(scope="s1", entity="e:1"))) == list(range(1, 5000, 14))
    either = [Region(entity="e:1"), Region(any_tag=["t:1", "t:2"])]
    assert numbers(now.query(either)) == [n for n in range(5000) if n % 7 == 1 or n % 3]
    assert numbers(now.query([])) == []
    assert numbers(now.query(Region(after=10, before=13))) == [11, 12]
    assert now.count(Region(kinds=["odd", "even"])) == 5000 and now.count(Region(kind="none")) == 0
    assert now.entities("e:")[0] == ("e:0", 715) and [name for name, _ in now.scopes()] == ["s0", "s1"]
    assert len(now.tags()) == 3 and bool(store.snapshot())


def test_a_snapshot_stays_as_it_was(store):
    then = store.snapshot()
    store.append("e:0", "even", {"n": 5000})
    assert len(then) == 5000 and len(store.snapshot()) == 5001
    assert len(store.snapshot().at(10)) == 10
    assert len(store.snapshot().as_of(0)) == 0


def test_batches_of_an_iterator_go_on_where_it_is(store):
    events = store.snapshot().query()
    first = numbers([next(events)]) + numbers(events.next_batch(10))
    assert first == list(range(11)) and numbers(events) == list(range(11, 5000))
    assert events.next_batch(10) == [] and next(events, None) is None


def test_regions_refuse_what_excludes_itself(store):
    for keywords in [
        {"entity": "a", "entity_prefix": "b"}, {"kind": 1, "kinds": [2]}, {"kinds": [0x1001, "name"]},
        {"after": -1}, {"since": -5}, {"correlation": "x"},
    ]:
        with pytest.raises(strandline.InvalidInput):
            Region(**keywords)
    assert Region(entity="a") == Region(entity="a") != Region(entity="b")


def test_receipts_and_positions_are_those_of_their_store(store, tmp_path):
    receipt = store.append("e:0", "even", {"n": 0})
    store.snapshot().verify_receipt(receipt)
    position = store.snapshot().position()
    assert store.snapshot().verify_position(position) == 5001
    with Store.open(tmp_path / "other.strand") as other:
        with pytest.raises(strandline.Foreign) as caught:
            other.snapshot().verify_receipt(receipt)
        assert caught.value.kind == "receipt_mismatch" and caught.value.details["mismatches"]
        with pytest.raises(strandline.Foreign):
            other.follow(start=position)
        with pytest.raises(strandline.InvalidInput):
            other.follow(start="no position")


def test_proofs_lead_to_heads(store):
    receipt = store.append("e:0", "even", {"n": 0})
    old = store.snapshot().at(100).tree_head()
    proof = store.snapshot().prove(receipt.id)
    proof.verify()
    assert proof.head == store.durable_head() and proof.digest == receipt.hash
    consistent = store.snapshot().prove_consistency(old)
    consistent.verify(old, proof.head)
    with pytest.raises(ValueError):
        consistent.verify(TreeHead(old.size, bytes(32)), proof.head)
    with pytest.raises(strandline.InvalidInput):
        TreeHead(1, b"short")
    assert store.snapshot().prove(uuid.uuid4()) is None


def test_columns_are_the_events(store):
    pytest.importorskip("pyarrow")
    from strandline.arrow import to_arrow, to_pandas

    table = to_arrow(store.snapshot().query(Region(scope="s1")))
    events = list(store.snapshot().query(Region(scope="s1")))
    rows = table.to_pylist()
    assert len(rows) == len(events) == 2500
    for row, event in zip(rows, events):
        assert (row["sequence"], row["entity"], row["scope"]) == (event.sequence, event.entity, event.scope)
        assert (row["kind"], row["clock"], row["version"]) == (event.kind, event.clock, event.version)
        assert row["id"] == event.id.bytes and row["payload"] == event.payload
        assert row["causation"] is None and row["correlation"] == event.correlation.bytes
        assert row["time"] == event.time
    part = store.snapshot().query()
    next(part)
    assert to_arrow(part)["sequence"].to_pylist() == list(range(1, 5000))
    empty = to_arrow(store.snapshot().query([]))
    assert empty.num_rows == 0 and empty.schema.names == table.schema.names
    assert "payload" not in to_arrow(store.snapshot().query(), payload=False).schema.names
    pytest.importorskip("pandas")
    frame = to_pandas(store.snapshot().query())
    assert list(frame["sequence"]) == list(range(5000)) and frame["entity"].nunique() == 7


def test_a_backup_opens_and_a_damaged_store_is_told(store, tmp_path):
    assert store.verify().is_intact and store.verify().events == 5000
    target = tmp_path / "backup.strand"
    assert store.backup(target).end == 5000
    with Store.open(target, read_only=True) as backup:
        assert len(backup.snapshot()) == 5000
        with pytest.raises(strandline.ReadOnly):
            backup.append("e", 0x1001, b"")
    with Store.open(target) as backup:
        segments = sorted(target.rglob("*.seg*"), key=lambda path: path.stat().st_size) or sorted(
            (path for path in target.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size
        )
        data = bytearray(segments[-1].read_bytes())
        data[len(data) // 10] ^= 0xFF
        segments[-1].write_bytes(data)
        report = backup.verify()
        assert not report.is_intact and report.problems
        with pytest.raises(strandline.Corrupt):
            list(backup.snapshot().query())
