"""What one connection remembers: also what nobody stored, for as long as the connection lasts."""

from collections.abc import Sequence

from antiphon.server.history.past import Past
from antiphon.server.store.records import Item

MAX_RESPONSES = 8


class LocalPast:
    """The newest responses of a connection; behind them, what is stored."""

    def __init__(self, stored: Past) -> None:
        self._stored = stored
        self._chains: dict[str, Sequence[Item]] = {}
        self._unstored: set[str] = set()

    def keeps(self, response_id: str | None) -> bool:
        return response_id not in self._unstored

    def remember(self, response_id: str, chain: Sequence[Item], *, is_stored: bool) -> None:
        self._chains[response_id] = chain
        if not is_stored:
            self._unstored.add(response_id)
        while len(self._chains) > MAX_RESPONSES:
            self.forget(next(iter(self._chains)))

    def forget(self, response_id: str | None) -> None:
        """After a turn that failed: a client that goes on has to say everything again."""
        if response_id is not None:
            self._chains.pop(response_id, None)
            self._unstored.discard(response_id)

    async def chain(self, response_id: str) -> Sequence[Item]:
        if response_id in self._chains:
            return self._chains[response_id]
        return await self._stored.chain(response_id)

    async def conversation(self, conversation_id: str) -> Sequence[Item]:
        return await self._stored.conversation(conversation_id)

    async def item(self, item_id: str) -> Item:
        for chain in reversed(self._chains.values()):
            for item in reversed(chain):
                if item["id"] == item_id:
                    return item
        return await self._stored.item(item_id)
