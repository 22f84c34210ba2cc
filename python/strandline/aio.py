"""``async`` over threads: each call that waits or reads in bulk runs in one, and lets the interpreter go."""

from __future__ import annotations

import asyncio
import functools
import os
from typing import Any, AsyncIterator, Callable, Iterable, List, Optional, TypeVar, Union

from ._strandline import BackedUp, Event, NewEvent, Receipt, Region, Snapshot, Store, VerifyReport

R = TypeVar("R")
Regions = Union[Region, List[Region], None]


async def _in_thread(function: Callable[..., R], *arguments: Any, **keywords: Any) -> R:
    return await asyncio.to_thread(functools.partial(function, *arguments, **keywords))


class AsyncStore:
    """A store for coroutines.

    >>> import asyncio, strandline.aio, tempfile
    >>> async def main():
    ...     async with await strandline.aio.AsyncStore.open(tempfile.mkdtemp() + "/a.strand") as store:
    ...         await store.append("order:1", "order.placed", {"total": 5})
    ...         return [event.json() async for event in store.query()]
    >>> asyncio.run(main())
    [{'total': 5}]
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    @classmethod
    async def open(cls, path: Union[str, "os.PathLike[str]"], **options: Any) -> "AsyncStore":
        """As ``Store.open``."""
        return cls(await _in_thread(Store.open, path, **options))

    async def __aenter__(self) -> "AsyncStore":
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self.close()

    async def close(self) -> None:
        """As ``Store.close``."""
        await _in_thread(self.store.close)

    async def append(self, entity: str, kind: Union[int, str], payload: Any, **event: Any) -> Receipt:
        """As ``Store.append``."""
        return await _in_thread(self.store.append, entity, kind, payload, **event)

    async def append_batch(self, events: Iterable[NewEvent], **options: Any) -> List[Receipt]:
        """As ``Store.append_batch``."""
        return await _in_thread(self.store.append_batch, events, **options)

    async def query(
        self, regions: Regions = None, *, limit: Optional[int] = None, reverse: bool = False
    ) -> AsyncIterator[Event]:
        """The events of a query, as the store is now."""
        snapshot: Snapshot = self.store.snapshot()
        events = snapshot.query(regions, limit=limit, reverse=reverse)
        while batch := await _in_thread(events.next_batch, 1024):
            for event in batch:
                yield event

    async def follow(self, regions: Regions = None, **options: Any) -> AsyncIterator[Event]:
        """The events that there are, and then each as it comes, as ``Store.follow``."""
        timeout: Optional[float] = options.pop("timeout", None)
        cursor = self.store.follow(regions, **options)
        waited = 0.0
        while timeout is None or waited < timeout:
            # In slices, so that a task that is cancelled leaves no thread behind that takes events.
            batch = cursor.next_batch(256, 0.0) or await _in_thread(cursor.next_batch, 256, 0.1)
            waited = 0.0 if batch else waited + 0.1
            for event in batch:
                yield event

    async def backup(self, target: Union[str, "os.PathLike[str]"]) -> BackedUp:
        """As ``Store.backup``."""
        return await _in_thread(self.store.backup, target)

    async def verify(self) -> VerifyReport:
        """As ``Store.verify``."""
        return await _in_thread(self.store.verify)
