"""All that a request stands on: what was said before, what it brings, and what that refers to."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from antiphon.server.files.file_texts import FileSource, FileTexts
from antiphon.server.history.cuts import with_summary
from antiphon.server.history.past import Past
from antiphon.server.history.placed_item import PlacedItem
from antiphon.server.protocol.errors import InvalidParameter, ReferencedItemNotFound
from antiphon.server.protocol.input_content import (
    InputFileParam,
    ReasoningContentParam,
    TextContentParam,
)
from antiphon.server.protocol.input_items import (
    AdditionalToolsParam,
    CompactionParam,
    CustomToolCallParam,
    FunctionCallParam,
    ItemParam,
    ItemReferenceParam,
    MessageParam,
    ReasoningItemParam,
    ToolOutputParam,
)
from antiphon.server.protocol.requests import CompactBody, CreateResponseBody
from antiphon.server.protocol.tools import ToolParam
from antiphon.server.seal import COMPACTION, REASONING, ForeignSeal, Seal
from antiphon.server.store.errors import ItemNotFound
from antiphon.server.store.records import Item

ITEMS: TypeAdapter[list[ItemParam]] = TypeAdapter(list[ItemParam])


@dataclass(frozen=True, slots=True)
class History:
    """earlier: what was said before, as it is kept. own: what the request itself brings.

    is_kept  whether what was said before is in the store, and not only in a connection's memory.
    items  all that the prompt is made of, oldest first: nothing that was compacted, no references,
           and files as their text.
    """

    earlier: tuple[Item, ...]
    own: tuple[ItemParam, ...]
    items: tuple[PlacedItem, ...]
    is_kept: bool = True

    @property
    def call_ids(self) -> frozenset[str]:
        calls = (FunctionCallParam, CustomToolCallParam)
        return frozenset(p.item.call_id for p in self.items if isinstance(p.item, calls))

    @property
    def additional_tools(self) -> Mapping[str, Sequence[ToolParam]]:
        """Tools that came with the conversation, by where they stand."""
        return {
            f"{placed.param}.tools": placed.item.tools
            for placed in self.items
            if isinstance(placed.item, AdditionalToolsParam)
        }


@dataclass(frozen=True, slots=True)
class HistoryReader:
    """Puts histories together, for one caller."""

    past: Past
    seal: Seal
    file_texts: FileTexts

    async def read(self, body: CreateResponseBody | CompactBody) -> History:
        """Raises PreviousResponseNotFound, ConversationNotFound, ReferencedItemNotFound, and
        InvalidParameter for what cannot be read.
        """
        param, earlier = await self._earlier(body)
        own = await resolved_items(_posted(body), "input", self.past)
        # A long past takes longer to read than running streams may wait for their next event.
        items = await asyncio.to_thread(self._opened, param, earlier, own)
        with_texts = [await self._with_text(placed) for placed in items]
        is_kept = self.past.keeps(body.previous_response_id)
        return History(tuple(earlier), tuple(own), tuple(with_texts), is_kept)

    async def _earlier(self, body: CreateResponseBody | CompactBody) -> tuple[str, Sequence[Item]]:
        conversation_id = None if isinstance(body, CompactBody) else body.conversation_id
        if body.previous_response_id is None:
            if conversation_id is None:
                return "", ()
            return "conversation", await self.past.conversation(conversation_id)
        if conversation_id is not None:
            reason = "'conversation' and 'previous_response_id' exclude each other."
            raise InvalidParameter("conversation", reason)
        return "previous_response_id", await self.past.chain(body.previous_response_id)

    def _opened(
        self, param: str, earlier: Sequence[Item], own: Sequence[ItemParam]
    ) -> Sequence[PlacedItem]:
        """All that is read: what a compaction stands for is not even looked at."""
        placed = [PlacedItem(f"input[{index}]", item) for index, item in enumerate(own)]
        if not any(isinstance(item, CompactionParam) for item in own):
            needed = earlier[_newest_compaction(earlier) :]
            placed = [*(PlacedItem(param, item) for item in _parsed(needed)), *placed]
        return [self._with_thoughts(item) for item in self._expanded(placed)]

    def _expanded(self, placed: Sequence[PlacedItem]) -> Sequence[PlacedItem]:
        """The newest compaction stands for all before it: its summary, and what it kept."""
        for index in reversed(range(len(placed))):
            item, param = placed[index].item, placed[index].param
            if isinstance(item, CompactionParam):
                content = self._unsealed(COMPACTION, item.encrypted_content, placed[index])
                kept = [PlacedItem(param, kept) for kept in _parsed(content["kept"])]
                return [*with_summary(content["summary"], kept, param), *placed[index + 1 :]]
        return placed

    def _with_thoughts(self, placed: PlacedItem) -> PlacedItem:
        """Reasoning that comes without its text, with the text that was sealed."""
        item = placed.item
        if not isinstance(item, ReasoningItemParam) or item.content or not item.encrypted_content:
            return placed
        text = self._unsealed(REASONING, item.encrypted_content, placed)
        part = ReasoningContentParam(type="reasoning_text", text=text)
        return replace(placed, item=item.model_copy(update={"content": [part]}))

    def _unsealed(self, kind: str, sealed: str, placed: PlacedItem) -> Any:  # noqa: ANN401
        try:
            return self.seal.open(kind, sealed)
        except ForeignSeal as error:
            param = placed.param_of("encrypted_content")
            raise InvalidParameter(param, f"'{param}': {error}") from None

    async def _with_text(self, placed: PlacedItem) -> PlacedItem:
        """The item with each file as its text."""
        match placed.item:
            case MessageParam(content=list(parts)):
                field = "content"
            case ToolOutputParam(output=list(parts)):
                field = "output"
            case _:
                return placed
        if not any(isinstance(part, InputFileParam) for part in parts):
            return placed
        read = [
            await self._text_of(part, placed.param_of(f"{field}[{index}]"))
            if isinstance(part, InputFileParam)
            else part
            for index, part in enumerate(parts)
        ]
        return replace(placed, item=placed.item.model_copy(update={field: read}))

    async def _text_of(self, part: InputFileParam, param: str) -> TextContentParam:
        source = FileSource(part.filename, part.file_data, part.file_url)
        text = await self.file_texts.text(source, param)
        name = f" {part.filename}" if part.filename else ""
        return TextContentParam(type="input_text", text=f"File{name}:\n\n{text}")


def _newest_compaction(items: Sequence[Item]) -> int:
    """Where it stands, or where all items begin."""
    places = (i for i in reversed(range(len(items))) if items[i]["type"] == "compaction")
    return next(places, 0)


async def resolved_items(items: Sequence[ItemParam], param: str, past: Past) -> list[ItemParam]:
    """The items, and in the place of references what they refer to. `param` names the list.

    Raises ReferencedItemNotFound.
    """
    resolved: list[ItemParam] = []
    for index, item in enumerate(items):
        if not isinstance(item, ItemReferenceParam):
            resolved.append(item)
            continue
        try:
            resolved += _parsed([await past.item(item.id)])
        except ItemNotFound:
            raise ReferencedItemNotFound(f"{param}[{index}].id", item.id) from None
    return resolved


def _posted(body: CreateResponseBody | CompactBody) -> Sequence[ItemParam]:
    match body.input:
        case None:
            return ()
        case str(text):
            return (MessageParam(role="user", content=text),)
    return body.input


def _parsed(items: Iterable[Item]) -> list[ItemParam]:
    """What is kept is what a client could send."""
    return ITEMS.validate_python(list(items))
