"""A long conversation in the place of which its summary stands, with its most recent turns.

The summary is the model's own. It is sealed into a `compaction` item: whatever stands before such
an item is not read any more. Source: Open Responses, `POST /v1/responses/compact`.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from antiphon.models.language_side import LanguageSide
from antiphon.server.chat.conversation import conversation
from antiphon.server.chat.message import ChatMessage, Role
from antiphon.server.compaction.summariser import Summariser
from antiphon.server.history.cuts import Items, Shortened
from antiphon.server.history.kept_items import kept_items
from antiphon.server.history.placed_item import PlacedItem
from antiphon.server.ids import IdSource
from antiphon.server.protocol.items import CompactionBody
from antiphon.server.protocol.response import Usage
from antiphon.server.seal import COMPACTION, Seal
from antiphon.server.store.records import Item

INSTRUCTIONS = (
    "Summarize the conversation for somebody who has to continue it. Keep names, numbers, "
    "decisions, open questions and what was asked for. Leave out everything else."
)
MAX_SUMMARY_TOKENS = 256


class NothingSummarised(Exception):
    """The model was asked for a summary and wrote none: what was said must not be lost for it."""

    def __init__(self) -> None:
        super().__init__("The model wrote no summary of the conversation.")


@dataclass(frozen=True, slots=True)
class Compaction:
    """item: the summary, sealed with what it carries. usage: of the summary."""

    item: CompactionBody
    summary: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Compactor:
    """Compacts histories with the model's help."""

    summariser: Summariser
    language_side: LanguageSide
    seal: Seal
    ids: IdSource

    async def compact(
        self, items: Items, recent: Items, carried: Items, instructions: str | None = None
    ) -> Compaction:
        """A summary of what is in `items` and not in `recent`.

        carried       what the sealed item brings along; the other recent items have to follow it.
        instructions  of the request, for the summary to respect.

        Raises NothingSummarised, and what `Summariser.summarise` raises.
        """
        staying = {id(placed) for placed in recent}
        older = [placed for placed in items if id(placed) not in staying]
        said = await asyncio.to_thread(_transcript, older)
        asked = INSTRUCTIONS if instructions is None else f"{INSTRUCTIONS}\n\n{instructions}"
        summary = await self.summariser.summarise(said, asked, MAX_SUMMARY_TOKENS)
        if not summary.text:
            raise NothingSummarised
        content = {"summary": summary.text, "kept": self.as_kept(carried)}
        sealed = await asyncio.to_thread(self.seal.close, COMPACTION, content)
        item = CompactionBody(id=self.ids.new("cmp"), encrypted_content=sealed)
        return Compaction(item, summary.text, summary.usage)

    def recent(self, items: Items, max_tokens: int) -> Items | None:
        """The most that may stay as it is; None where nothing older would be left to summarise."""
        shorter = Shortened(items)
        if not shorter:
            return None
        sizes = shorter.sizes([self._num_tokens(placed) for placed in items])
        fitting = (index for index, size in enumerate(sizes) if size <= max_tokens)
        return shorter[next(fitting, len(shorter) - 1)]

    def as_kept(self, items: Items) -> tuple[Item, ...]:
        return kept_items((placed.item for placed in items), self.ids)

    def _num_tokens(self, placed: PlacedItem) -> int:
        """About as many as the template will make of it."""
        text = placed.item.model_dump_json(exclude_none=True)
        return len(self.language_side.tokenizer.encode(text))


def _transcript(items: Iterable[PlacedItem]) -> str:
    messages = conversation(None, items)
    return "\n\n".join(line for message in messages for line in _lines(message))


def _lines(message: ChatMessage) -> Iterable[str]:
    if message.text:
        speaker = "Tool" if message.role is Role.TOOL else message.role.value.capitalize()
        yield f"{speaker}: {message.text}"
    for call in message.calls:
        yield f"Assistant calls {call.name} with {call.arguments}"
