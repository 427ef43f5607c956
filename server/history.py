"""All that a request stands on: what was said before, what it brings, and what that refers to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from antiphon.server.files.file_texts import FileSource, FileTexts
from antiphon.server.history_cuts import with_summary
from antiphon.server.past import Past
from antiphon.server.placed_item import PlacedItem
from antiphon.server.protocol.errors import InvalidParameter, ReferencedItemNotFound
from antiphon.server.protocol.input_content import InputFileParam, TextContentParam
from antiphon.server.protocol.input_items import (
    AdditionalToolsParam,
    CompactionParam,
    CustomToolCallParam,
    FunctionCallParam,
    ItemParam,
    ItemReferenceParam,
    MessageParam,
    ToolOutputParam,
)
from antiphon.server.protocol.requests import CompactBody, CreateResponseBody
from antiphon.server.protocol.tools import ToolParam
from antiphon.server.seal import COMPACTION, ForeignSeal, Seal
from antiphon.server.store.errors import ItemNotFound
from antiphon.server.store.records import Item

ITEMS: TypeAdapter[list[ItemParam]] = TypeAdapter(list[ItemParam])


@dataclass(frozen=True, slots=True)
class History:
    """earlier: what is kept already, as it is kept. own: what the request itself brings.

    items  all that the prompt is made of, oldest first: nothing that was compacted, no references,
           and files as their text.
    """

    earlier: tuple[Item, ...]
    own: tuple[ItemParam, ...]
    items: tuple[PlacedItem, ...]

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
        placed = [PlacedItem(param, item) for item in _parsed(earlier)]
        placed += [PlacedItem(f"input[{index}]", item) for index, item in enumerate(own)]
        items = [await self._with_text(item) for item in self._expanded(placed)]
        return History(tuple(earlier), tuple(own), tuple(items))

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

    def _expanded(self, placed: Sequence[PlacedItem]) -> Sequence[PlacedItem]:
        """The newest compaction stands for all before it: its summary, and what it kept."""
        for index in reversed(range(len(placed))):
            item, param = placed[index].item, placed[index].param
            if isinstance(item, CompactionParam):
                content = self._opened(item, param)
                kept = [PlacedItem(param, kept) for kept in _parsed(content["kept"])]
                return [*with_summary(content["summary"], kept, param), *placed[index + 1 :]]
        return placed

    def _opened(self, item: CompactionParam, param: str) -> dict[str, Any]:
        try:
            content: dict[str, Any] = self.seal.open(COMPACTION, item.encrypted_content)
        except ForeignSeal as error:
            param = f"{param}.encrypted_content"
            raise InvalidParameter(param, f"'{param}': {error}") from None
        return content

    async def _with_text(self, placed: PlacedItem) -> PlacedItem:
        """The item with each file as its text."""
        item, param = placed.item, placed.param
        match item:
            case MessageParam(content=list(parts)):
                field = "content"
            case ToolOutputParam(output=list(parts)):
                field = "output"
            case _:
                return placed
        if not any(isinstance(part, InputFileParam) for part in parts):
            return placed
        read = [
            await self._text_of(part, f"{param}.{field}[{index}]")
            if isinstance(part, InputFileParam)
            else part
            for index, part in enumerate(parts)
        ]
        return PlacedItem(param, item.model_copy(update={field: read}))

    async def _text_of(self, part: InputFileParam, param: str) -> TextContentParam:
        source = FileSource(part.filename, part.file_data, part.file_url)
        text = await self.file_texts.text(source, param)
        name = f" {part.filename}" if part.filename else ""
        return TextContentParam(type="input_text", text=f"File{name}:\n\n{text}")


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
