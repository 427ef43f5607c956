"""The store: responses and conversations that outlive their requests, within a bound.

Every method raises StoreUnavailable when the database does not do it.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Concatenate, ParamSpec, Self, TypeVar

from antiphon.server.clock import Clock
from antiphon.server.store.bound import recount, sweep_slice
from antiphon.server.store.bundles import touch_bundles
from antiphon.server.store.conversations import (
    add_items,
    create_conversation,
    delete_conversation,
    delete_item,
    read_conversation,
    read_items,
    update_conversation,
)
from antiphon.server.store.database import Database, give_back_pages, open_database
from antiphon.server.store.errors import StoreUnavailable
from antiphon.server.store.leases import fail_abandoned, renew_leases
from antiphon.server.store.records import Conversation, Item, RecordedEvent, StoredResponse
from antiphon.server.store.responses import (
    delete_response,
    read_chain,
    read_events,
    read_response,
    save_response,
)
from antiphon.server.store.stored_items import newest_item
from antiphon.server.store.transaction import Snapshot, Transaction
from antiphon.server.store.writer import Writer

NUM_READERS = 4
MAX_USE_LAG_SECONDS = 60
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """Where and how much is kept.

    url:              of SQLAlchemy; `sqlite://` is in memory.
    max_bytes:        of all that is kept, as accounted row by row.
    max_age_seconds:  since last use.
    """

    url: str
    max_bytes: int
    max_age_seconds: float


class Store:
    """Writes go through one thread that commits many together; reads run beside it."""

    def __init__(self, database: Database, config: StoreConfig, clock: Clock) -> None:
        self._database = database
        self._config = config
        self._clock = clock
        self._writer = Writer(database, clock, config.max_bytes)
        self._readers = ThreadPoolExecutor(NUM_READERS, thread_name_prefix="store-reader")

    @classmethod
    async def open(cls, config: StoreConfig, clock: Clock) -> Self:
        """Open, migrate and sweep. Raises StoreUnavailable with one line for the user."""
        store = cls(await asyncio.to_thread(open_database, config.url), config, clock)
        try:
            await store.sweep()
        except BaseException:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        """Returns when the writes under way are committed."""
        await asyncio.to_thread(self._close)

    async def save(
        self,
        response: StoredResponse,
        events: Sequence[RecordedEvent] = (),
        *,
        appended: Sequence[Item] = (),
    ) -> None:
        """Insert or replace a response with its events, and append items to its conversation.

        All of it is committed when this returns, or none of it happened. While its status is
        unfinished it has a lease.

        Raises TooLargeToStore, and ConversationNotFound when items are to be appended.
        """
        # Copies, as its caller may go on adding to them.
        await self._write(save_response, response, tuple(events), tuple(appended))

    async def response(self, owner: str, response_id: str) -> StoredResponse:
        """Raises ResponseNotFound."""
        return await self._read(read_response, owner, response_id)

    async def events(self, owner: str, response_id: str) -> tuple[RecordedEvent, ...]:
        """Raises ResponseNotFound."""
        return await self._read(read_events, owner, response_id)

    async def chain(self, owner: str, response_id: str) -> tuple[Item, ...]:
        """Input and output items of every response from the first one to this, oldest first.

        Raises ResponseNotFound for the response itself, and ChainBroken for one before it.
        """
        return await self._read(read_chain, owner, response_id)

    async def delete(self, owner: str, response_id: str) -> None:
        """Delete a response; later ones of its chain stay. Raises ResponseNotFound."""
        await self._write(delete_response, owner, response_id)

    async def item(self, owner: str, item_id: str) -> Item:
        """The newest item with this id in any response or conversation. Raises ItemNotFound."""
        return await self._read(newest_item, owner, item_id)

    async def renew(self, response_ids: Collection[str]) -> None:
        """Prolong the leases of unfinished responses."""
        await self._write(renew_leases, response_ids)

    async def fail_abandoned(self, error: dict[str, str]) -> list[str]:
        """Fail the unfinished responses whose lease has run out; their ids."""
        return await self._write(fail_abandoned, error)

    async def create_conversation(self, conversation: Conversation, items: Sequence[Item]) -> None:
        """Raises TooLargeToStore."""
        await self._write(create_conversation, conversation, items)

    async def conversation(self, owner: str, conversation_id: str) -> Conversation:
        """Raises ConversationNotFound."""
        return await self._read(read_conversation, owner, conversation_id)

    async def update_conversation(
        self, owner: str, conversation_id: str, metadata: dict[str, str]
    ) -> Conversation:
        """Replace its metadata. Raises ConversationNotFound and TooLargeToStore."""
        return await self._write(update_conversation, owner, conversation_id, metadata)

    async def delete_conversation(self, owner: str, conversation_id: str) -> None:
        """Delete it with its items, not the responses. Raises ConversationNotFound."""
        await self._write(delete_conversation, owner, conversation_id)

    async def conversation_items(self, owner: str, conversation_id: str) -> tuple[Item, ...]:
        """All of them, oldest first. Raises ConversationNotFound."""
        return await self._read(read_items, owner, conversation_id)

    async def add_conversation_items(
        self, owner: str, conversation_id: str, items: Sequence[Item]
    ) -> None:
        """Add items at the end. Raises ConversationNotFound and TooLargeToStore."""
        await self._write(add_items, owner, conversation_id, items)

    async def delete_conversation_item(
        self, owner: str, conversation_id: str, item_id: str
    ) -> None:
        """Raises ConversationNotFound and ItemNotFound."""
        await self._write(delete_item, owner, conversation_id, item_id)

    @property
    def num_bytes(self) -> int:
        """Of all that is kept, as accounted; other servers' part of it as of the last sweep."""
        return self._writer.num_bytes

    async def sweep(self) -> None:
        """Drop what is too old, then the least recently used until all is within the bound."""
        await self._write(recount)
        used_before = self._clock.unix_seconds() - self._config.max_age_seconds
        # A slice at a time: what others save meanwhile goes in between.
        while await self._write(sweep_slice, used_before):
            pass
        while await self._write(give_back_pages):
            pass

    async def _write(
        self,
        write: Callable[Concatenate[Transaction, P], T],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        def run(transaction: Transaction) -> T:
            return write(transaction, *arguments, **named)

        return await asyncio.wrap_future(self._writer.submit(run))

    async def _read(
        self, query: Callable[Concatenate[Snapshot, P], T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        def run(snapshot: Snapshot) -> T:
            return query(snapshot, *arguments, **named)

        try:
            reading = self._readers.submit(self._take_snapshot, run)
        except RuntimeError as error:
            raise StoreUnavailable("it is closed") from error
        return await asyncio.wrap_future(reading)

    def _take_snapshot(self, query: Callable[[Snapshot], T]) -> T:
        lag = min(MAX_USE_LAG_SECONDS, self._config.max_age_seconds / 10)
        with self._database.reading() as connection:
            snapshot = Snapshot(connection, self._clock.unix_seconds() - lag)
            result = query(snapshot)
        if snapshot.stale_bundles:
            # Nobody waits for it, and where it fails nothing but the use is forgotten.
            self._writer.submit(partial(touch_bundles, keys=snapshot.stale_bundles))
        return result

    def _close(self) -> None:
        self._readers.shutdown()  # first: a read may submit a write
        self._writer.close()
        self._database.close()
