"""A long conversation in the place of which its summary stands, with its most recent turns.

The summary is the model's own. It is sealed into a `compaction` item: whatever stands before such
an item is not read any more. Source: Open Responses, `POST /v1/responses/compact`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from antiphon.models.language_side import LanguageSide
from antiphon.server.chat.conversation import conversation
from antiphon.server.chat.message import ChatMessage, Role
from antiphon.server.history_cuts import Items, shortened
from antiphon.server.ids import IdSource
from antiphon.server.kept_items import kept_items
from antiphon.server.protocol.items import CompactionBody
from antiphon.server.protocol.response import Usage
from antiphon.server.seal import COMPACTION, Seal
from antiphon.server.store.records import Item
from antiphon.server.summariser import Summariser

INSTRUCTIONS = (
    "Summarize the conversation for somebody who has to continue it. Keep names, numbers, "
    "decisions, open questions and what was asked for. Leave out everything else."
)
MAX_SUMMARY_TOKENS = 256


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

        Raises what `Summariser.summarise` raises.
        """
        staying = {id(placed) for placed in recent}
        older = [placed for placed in items if id(placed) not in staying]
        said = _transcript(conversation(None, older, self.seal))
        asked = INSTRUCTIONS if instructions is None else f"{INSTRUCTIONS}\n\n{instructions}"
        summary = await self.summariser.summarise(said, asked, MAX_SUMMARY_TOKENS)
        content = {"summary": summary.text, "kept": self.as_kept(carried)}
        sealed = self.seal.close(COMPACTION, content)
        item = CompactionBody(id=self.ids.new("cmp"), encrypted_content=sealed)
        return Compaction(item, summary.text, summary.usage)

    def recent(self, items: Items, max_tokens: int) -> Items | None:
        """The most that may stay as it is; None where nothing older would be left to summarise."""
        shorter = shortened(items)
        fitting = (part for part in shorter if self._num_tokens(part) <= max_tokens)
        return next(fitting, shorter[-1] if shorter else None)

    def as_kept(self, items: Items) -> tuple[Item, ...]:
        return kept_items((placed.item for placed in items), self.ids)

    def _num_tokens(self, items: Items) -> int:
        """About as many as the template will make of it."""
        text = json.dumps(self.as_kept(items), ensure_ascii=False)
        return len(self.language_side.tokenizer.encode(text))


def _transcript(messages: Iterable[ChatMessage]) -> str:
    return "\n\n".join(line for message in messages for line in _lines(message))


def _lines(message: ChatMessage) -> Iterable[str]:
    if message.text:
        speaker = "Tool" if message.role is Role.TOOL else message.role.value.capitalize()
        yield f"{speaker}: {message.text}"
    for call in message.calls:
        yield f"Assistant calls {call.name} with {call.arguments}"
