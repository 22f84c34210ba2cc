"""Handles: closing, locks, cursors that wait, threads, forks, signals, coroutines, and types."""

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from typing import List, Optional

import pytest

import strandline
from strandline import NewEvent, Region, Registry, Store
from strandline.aio import AsyncStore


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.strand") as store:
        yield store


def test_a_closed_store_refuses_and_closes_again(tmp_path):
    store = Store.open(tmp_path / "a.strand")
    store.append("e", 0x1001, b"x")
    cursor, snapshot = store.follow(start="now"), store.snapshot()
    store.close()
    store.close()
    assert store.closed
    for call in [store.snapshot, store.verify, lambda: store.append("e", 0x1001, b""), cursor.next]:
        with pytest.raises(strandline.Closed):
            call()
    assert [event.payload for event in snapshot.query()] == [b"x"]


def test_a_store_that_is_open_is_locked_and_one_that_is_not_is_not_found(store, tmp_path):
    with pytest.raises(strandline.Locked) as caught:
        Store.open(store.path)
    assert caught.value.details["process"] == os.getpid()
    with pytest.raises(strandline.NotFound):
        Store.open(tmp_path / "none.strand", must_exist=True)
    (tmp_path / "file").write_bytes(b"no store")
    with pytest.raises(strandline.StrandlineError):
        Store.open(tmp_path / "file")
    with pytest.raises(strandline.InvalidInput):
        Store.open(tmp_path / "b.strand", sync_interval=float("nan"))


def test_a_cursor_waits_for_what_another_thread_appends(store):
    def append():
        for n in range(500):
            store.append("e", "k", {"n": n}, durability="written")

    store.kind("k")
    thread = threading.Thread(target=append)
    thread.start()
    cursor = store.follow(Region(kind="k"), timeout=30)
    seen = [next(cursor).json()["n"] for _ in range(500)]
    thread.join()
    assert seen == list(range(500))
    assert cursor.next(timeout=0.05) is None and cursor.next_batch(0) == []
    saved = cursor.position()
    store.append("e", "k", {"n": 500})
    assert store.follow(start=saved).next(timeout=30).json() == {"n": 500}
    assert [event.sequence for event in store.follow(start=499, timeout=0)] == [500]
    assert not store.wait_visible(501, timeout=0.01) and store.wait_visible(500, timeout=30)
    for wrong in (-1.0, float("nan")):
        with pytest.raises(strandline.InvalidInput):
            cursor.next(timeout=wrong)


def test_many_threads_share_a_store(store):
    def work(name):
        for n in range(50):
            store.append(f"e:{name}", 0x1001, b"x", expected="no_stream" if n == 0 else n - 1)
            assert sum(1 for _ in store.snapshot().stream(f"e:{name}")) == n + 1

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [count for _, count in store.snapshot().entities()] == [50] * 8


def test_the_interpreter_goes_on_while_a_call_waits(store):
    cursor, done = store.follow(), []
    thread = threading.Thread(target=lambda: done.append(cursor.next(timeout=30)))
    thread.start()
    store.append("e", 0x1001, b"x")
    thread.join(30)
    assert done[0].payload == b"x"


def test_an_interrupt_ends_a_wait(tmp_path):
    program = (
        "import sys, strandline\n"
        f"store = strandline.Store.open({str(tmp_path / 'i.strand')!r})\n"
        "print('waits', flush=True)\n"
        "try:\n    next(store.follow())\n"
        "except KeyboardInterrupt:\n    print('interrupted'); store.close()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "waits\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0] == "interrupted\n" and process.returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_does_not_write(store):
    store.append("e", 0x1001, b"x")
    child = os.fork()
    if child == 0:
        try:
            store.append("e", 0x1001, b"y")
            os._exit(1)
        except strandline.Locked as error:
            os._exit(0 if error.kind == "lock_lost" else 2)
        except BaseException:
            os._exit(3)
    assert os.waitpid(child, 0)[1] == 0
    store.append("e", 0x1001, b"z")
    assert [event.payload for event in store.snapshot().query()] == [b"x", b"z"]
    assert store.verify().is_intact


def test_coroutines_append_query_and_follow(tmp_path):
    async def main():
        async with await AsyncStore.open(tmp_path / "a.strand") as store:
            appends = [store.append(f"e:{n}", "k", {"n": n}, durability="written") for n in range(20)]
            receipts = await asyncio.gather(*appends)
            assert sorted(receipt.sequence for receipt in receipts) == list(range(20))
            await store.append_batch([NewEvent("e", "k", {"n": 20})])
            seen = [event.json()["n"] async for event in store.query(limit=21)]
            assert sorted(seen) == list(range(21)) and seen[-1] == 20
            followed = [event async for event in store.follow(timeout=0.2)]
            assert len(followed) == 21 and (await store.verify()).is_intact

            async def forever():
                async for _ in store.follow(start="now"):
                    raise AssertionError("nothing was appended")

            task = asyncio.create_task(forever())
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


@dataclasses.dataclass
class Line:
    article: str
    price: float


@dataclasses.dataclass
class Placed:
    lines: List[Line]
    note: Optional[str] = None


def test_dataclasses_come_back_equal_and_what_is_none_is_told(store):
    registry = Registry()
    registry.event("order.placed")(Placed)
    placed = Placed([Line("tea", 2.5), Line("cup", 4)], None)
    store.append_batch([registry.new("order:1", placed, expected="no_stream")])
    (event,) = store.snapshot().query()
    assert registry.read(store, event) == placed
    for wrong in [{}, {"lines": [{"article": 1, "price": 2}]}, {"lines": [7]}, [1], 5]:
        receipt = store.append("order:1", "order.placed", wrong)
        with pytest.raises(strandline.PayloadError):
            registry.read(store, store.get(receipt.id))
    for event in [NewEvent("o", "other", {}), NewEvent("o", "order.placed", {}, version=2), NewEvent("o", "order.placed", b"{")]:
        (receipt,) = store.append_batch([event])
        with pytest.raises(strandline.PayloadError):
            registry.read(store, store.get(receipt.id))
    with pytest.raises(strandline.InvalidInput):
        registry.new("o", object())
    with pytest.raises(strandline.InvalidInput):
        registry.event("again")(object)
