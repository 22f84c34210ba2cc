"""Appending: versions, conditions, ids, batches, links, durability, and what is refused."""

import uuid
from datetime import datetime, timezone

import pytest

import strandline
from strandline import Condition, NewEvent, Region, Store


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.strand") as store:
        yield store


def test_an_event_comes_back_as_it_was_given(store):
    cause = uuid.uuid4()
    receipt = store.append(
        "order:1", 0x1001, {"total": 5.5, "text": "Zürich"}, scope="eu", tags=["a", "b"],
        causation=cause, correlation=cause, version=3, attributes={"n": 1, "t": "x", "b": True, "z": None},
    )
    event = store.get(receipt.id)
    assert (event.entity, event.scope, event.kind, event.version) == ("order:1", "eu", 0x1001, 3)
    assert event.json() == {"total": 5.5, "text": "Zürich"} and event.encoding == "json"
    assert event.tags == ("a", "b") and event.causation == event.correlation == cause
    assert event.attributes == {"n": 1, "t": "x", "b": True, "z": None}
    assert event.id == receipt.id and event.hash == receipt.hash and event.sequence == 0
    assert receipt.durable and not receipt.repeated
    assert abs((datetime.now(timezone.utc) - event.time).total_seconds()) < 3600
    assert store.get(uuid.uuid4()) is None


def test_an_expected_version_that_is_not_so_is_a_conflict(store):
    store.append("e", 0x1001, b"", expected="no_stream")
    store.append("e", 0x1001, b"", expected=0)
    with pytest.raises(strandline.WrongExpectedVersion) as caught:
        store.append("e", 0x1001, b"", expected=0)
    assert isinstance(caught.value, strandline.Conflict)
    assert caught.value.kind == "wrong_expected_version"
    assert caught.value.details["actual"] == 1
    assert len(store.snapshot()) == 2


def test_a_condition_holds_until_something_happens(store):
    name = Region(tags=["name:ada"])
    seen = store.snapshot().visible
    store.append("u:1", "user.registered", {}, tags=["name:ada"], condition=Condition(seen, name))
    with pytest.raises(strandline.ConditionFailed) as caught:
        store.append("u:2", "user.registered", {}, tags=["name:ada"], condition=Condition(seen, [name]))
    assert caught.value.details["sequence"] == 0


def test_an_id_makes_an_append_idempotent(store):
    id = uuid.uuid4()
    first = store.append("e", 0x1001, b"x", id=id)
    again = store.append("e", 0x1001, b"x", id=str(id))
    assert again.repeated and again.sequence == first.sequence
    with pytest.raises(strandline.Conflict) as caught:
        store.append("e", 0x1001, b"y", id=id)
    assert caught.value.kind == "conflict" and "payload" in caught.value.details["difference"]


def test_a_batch_is_all_or_nothing_and_its_members_may_cause_each_other(store):
    sent, received = store.append_batch(
        [NewEvent("a", "money.sent", {"n": 1}), NewEvent("b", "money.received", {"n": 1}, causation=0)]
    )
    assert store.get(received.id).causation == sent.id
    with pytest.raises(strandline.WrongExpectedVersion) as caught:
        store.append_batch([NewEvent("c", 0x1001, b""), NewEvent("a", 0x1001, b"", expected="no_stream")])
    assert caught.value.details["member"] == 1
    assert store.snapshot().latest("c") is None


def test_durability_and_tracking(store):
    receipt = store.append("e", 0x1001, b"", durability="written", tracking=("source", 7))
    store.wait_durable(receipt)
    assert store.tracked("source") == 7 and store.tracked("other") is None
    with pytest.raises(strandline.Conflict) as caught:
        store.append("e", 0x1001, b"", tracking=("source", 7))
    assert caught.value.kind == "tracking_conflict"
    with pytest.raises(strandline.NotWritten):
        store.append("e", 0x1001, b"", durability="replicated")


@pytest.mark.parametrize(
    "arguments, keywords",
    [
        (("", 0x1001, b""), {}),
        (("e\n", 0x1001, b""), {}),
        (("e", -1, b""), {}),
        (("e", 1 << 80, b""), {}),
        (("e", 0x0001, b""), {}),
        (("e", "", b""), {}),
        (("e", "k" * 300, b""), {}),
        (("e", 0x1001, b"x" * (64 << 20)), {}),
        (("e", 0x1001, b""), {"id": "no id"}),
        (("e", 0x1001, b""), {"expected": "what"}),
        (("e", 0x1001, b""), {"expected": -1}),
        (("e", 0x1001, b""), {"encoding": "sealed"}),
        (("e", 0x1001, b""), {"encoding": 3}),
        (("e", 0x1001, b""), {"durability": "never"}),
        (("e", 0x1001, b""), {"tags": ["t" * 10000]}),
        (("e", 0x1001, b""), {"tags": [str(n) for n in range(10000)]}),
        (("e", 0x1001, b""), {"attributes": {"": 1}}),
        (("e", 0x1001, b""), {"attributes": {"a": 1 << 70}}),
        (("e", 0x1001, b""), {"at": 1 << 63}),
        (("e", 0x1001, b""), {"at": datetime(2020, 1, 1)}),
        (("e", 0x1001, b""), {"at": datetime(1950, 1, 1, tzinfo=timezone.utc)}),
        (("e", 0x1001, b""), {"causation": 5}),
        (("e", 0x1001, b""), {"version": 1 << 16}),
    ],
)
def test_what_breaks_a_rule_is_refused_and_nothing_is_written(store, arguments, keywords):
    with pytest.raises(strandline.InvalidInput) as caught:
        store.append(*arguments, **keywords)
    assert caught.value.kind in ("invalid_input", "too_large", "refused_time")
    assert len(store.snapshot()) == 0


@pytest.mark.parametrize("payload", [float("nan"), {1, 2}, object(), "\ud800", {"a": float("inf")}])
def test_what_is_no_json_is_refused(store, payload):
    with pytest.raises(strandline.PayloadError):
        store.append("e", 0x1001, payload)
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(strandline.PayloadError):
        store.append("e", 0x1001, deep)
    assert len(store.snapshot()) == 0


def test_wrong_types_are_type_errors(store):
    for arguments in [(1, 0x1001, b""), ("e", None, b""), ("e", True, b""), ("e", 1.5, b"")]:
        with pytest.raises(TypeError):
            store.append(*arguments)
    with pytest.raises(TypeError):
        store.append("e", 0x1001, b"", nonsense=1)
    with pytest.raises(TypeError):
        store.append_batch(["no event"])
    with pytest.raises(TypeError):
        store.append("e", 0x1001, {"not": "bytes"}, encoding="raw")
