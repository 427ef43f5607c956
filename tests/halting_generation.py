"""A sequence that stops speaking and does not end."""

import asyncio
from dataclasses import dataclass, field

from antiphon.engine.outputs import SequenceDelta
from tests.fake_engine import FakeGeneration


@dataclass(slots=True)
class HaltingGeneration(FakeGeneration):
    """Waits behind its last delta until it is cancelled."""

    has_halted: asyncio.Event = field(default_factory=asyncio.Event)

    async def __anext__(self) -> SequenceDelta:
        if not self.pending:
            self.has_halted.set()
            await self.was_cancelled.wait()
        return await FakeGeneration.__anext__(self)
