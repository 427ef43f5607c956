"""What a request brought, in the shape in which it is kept and shown: every item with an id."""

import contextlib
from collections.abc import Iterable

from pydantic import JsonValue, ValidationError

from antiphon.server.ids import IdSource
from antiphon.server.protocol.content import (
    InputFileContent,
    InputTextContent,
    MessagePart,
    OutputPart,
    OutputTextContent,
    ReasoningTextContent,
    RefusalContent,
    SummaryTextContent,
    UrlCitation,
)
from antiphon.server.protocol.input_content import (
    ContentParam,
    InputFileParam,
    OutputContentParam,
    RefusalContentParam,
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
from antiphon.server.protocol.items import (
    CompactionBody,
    CustomToolCall,
    CustomToolCallOutput,
    FunctionCall,
    FunctionCallOutput,
    ItemField,
    ItemStatus,
    Message,
    Phase,
    ReasoningBody,
)
from antiphon.server.store.records import Item


def kept_items(items: Iterable[ItemParam], ids: IdSource) -> tuple[Item, ...]:
    """Ids that clients gave are kept: they refer to their items by them."""
    return tuple(_kept(item, ids) for item in items)


def _kept(item: ItemParam, ids: IdSource) -> Item:
    match item:
        case AdditionalToolsParam():
            tools = [tool.model_dump(mode="json") for tool in item.tools]
            return {"type": item.type, "id": item.id or ids.new("at"), "tools": tools}
        case ItemReferenceParam():
            raise AssertionError("references have been resolved")
    kept: Item = _shown(item, ids).model_dump(mode="json")
    return kept


def _shown(item: ItemParam, ids: IdSource) -> ItemField:
    match item:
        case MessageParam():
            return _message(item, ids)
        case ReasoningItemParam():
            return _reasoning(item, ids)
        case FunctionCallParam():
            return FunctionCall(
                id=item.id or ids.new("fc"),
                status=_status(item),
                call_id=item.call_id,
                name=item.name,
                namespace=item.namespace,
                arguments=item.arguments,
            )
        case CustomToolCallParam():
            return CustomToolCall(
                id=item.id or ids.new("ctc"),
                status=_status(item),
                call_id=item.call_id,
                name=item.name,
                input=item.input,
            )
        case ToolOutputParam():
            return _output(item, ids)
        case CompactionParam():
            item_id = item.id or ids.new("cmp")
            return CompactionBody(id=item_id, encrypted_content=item.encrypted_content)
    raise AssertionError(f"items of type {item.type} are no output")


def _message(item: MessageParam, ids: IdSource) -> Message:
    parts = [item.content] if isinstance(item.content, str) else item.content
    is_assistant = item.role == "assistant"
    return Message(
        id=item.id or ids.new("msg"),
        status=_status(item),
        role=item.role,
        content=tuple(_part(part, is_assistant=is_assistant) for part in parts),
        phase=_phase(item),
    )


def _phase(item: MessageParam) -> Phase | None:
    match item.phase:
        case "commentary" | "final_answer":
            return item.phase
    return None


def _part(part: ContentParam | str, *, is_assistant: bool) -> MessagePart:
    match part:
        case RefusalContentParam():
            return RefusalContent(refusal=part.refusal)
        case InputFileParam():
            return _file(part)
    text = part if isinstance(part, str) else part.text
    if not is_assistant:
        return InputTextContent(text=text)
    annotations = () if isinstance(part, str) else _citations(part.annotations or ())
    return OutputTextContent(text=text, annotations=annotations)


def _citations(annotations: Iterable[JsonValue]) -> tuple[UrlCitation, ...]:
    """Those that the standard knows."""
    known: list[UrlCitation] = []
    for annotation in annotations:
        with contextlib.suppress(ValidationError):
            known.append(UrlCitation.model_validate(annotation))
    return tuple(known)


def _file(part: InputFileParam) -> InputFileContent:
    return InputFileContent(
        filename=part.filename, file_data=part.file_data, file_url=part.file_url
    )


def _reasoning(item: ReasoningItemParam, ids: IdSource) -> ReasoningBody:
    return ReasoningBody(
        id=item.id or ids.new("rs"),
        status=_status(item),
        summary=tuple(SummaryTextContent(text=part.text) for part in item.summary or ()),
        content=None
        if item.content is None
        else tuple(ReasoningTextContent(text=part.text) for part in item.content),
        encrypted_content=item.encrypted_content,
    )


def _output(item: ToolOutputParam, ids: IdSource) -> FunctionCallOutput | CustomToolCallOutput:
    output = item.output if isinstance(item.output, str) else tuple(map(_output_part, item.output))
    if item.type == "function_call_output":
        item_id = item.id or ids.new("fco")
        return FunctionCallOutput(
            id=item_id, status=_status(item), call_id=item.call_id, output=output
        )
    item_id = item.id or ids.new("ctco")
    return CustomToolCallOutput(
        id=item_id, status=_status(item), call_id=item.call_id, output=output
    )


def _output_part(part: OutputContentParam) -> OutputPart:
    return _file(part) if isinstance(part, InputFileParam) else InputTextContent(text=part.text)


def _status(item: ItemParam) -> ItemStatus:
    match item.status:
        case "in_progress" | "incomplete":
            return item.status
    return "completed"
