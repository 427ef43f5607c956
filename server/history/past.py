"""What was said before a request, from wherever it is kept."""

from collections.abc import Sequence
from typing import Protocol

from antiphon.server.protocol.errors import PreviousResponseNotFound
from antiphon.server.store.errors import ChainBroken, ResponseNotFound
from antiphon.server.store.records import Item
from antiphon.server.store.store import Store


class Past(Protocol):
    """One caller's past: nobody else's is ever found."""

    def keeps(self, response_id: str | None) -> bool:
        """Whether what comes before is stored, if there is any."""
        ...

    async def chain(self, response_id: str) -> Sequence[Item]:
        """All items up to a response and with it. Raises PreviousResponseNotFound."""
        ...

    async def conversation(self, conversation_id: str) -> Sequence[Item]:
        """Raises ConversationNotFound."""
        ...

    async def item(self, item_id: str) -> Item:
        """Raises ItemNotFound."""
        ...


class StoredPast:
    """What the store keeps."""

    def __init__(self, store: Store, owner: str) -> None:
        self._store = store
        self._owner = owner

    def keeps(self, response_id: str | None) -> bool:
        return True

    async def chain(self, response_id: str) -> Sequence[Item]:
        try:
            return await self._store.chain(self._owner, response_id)
        except ChainBroken as error:
            raise PreviousResponseNotFound(response_id, error.missing_id) from None
        except ResponseNotFound:
            raise PreviousResponseNotFound(response_id) from None

    async def conversation(self, conversation_id: str) -> Sequence[Item]:
        return await self._store.conversation_items(self._owner, conversation_id)

    async def item(self, item_id: str) -> Item:
        return await self._store.item(self._owner, item_id)
