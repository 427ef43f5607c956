"""From a request's items to messages: what belongs to one turn of the assistant becomes one."""

import itertools
import json
from collections.abc import Iterable
from operator import attrgetter

from antiphon.models.verbatim_json import read_object
from antiphon.server.chat.message import ChatCall, ChatMessage, Role, joined
from antiphon.server.protocol.errors import InvalidParameter
from antiphon.server.protocol.input_items import (
    ContentParam,
    CustomToolCallParam,
    FunctionCallParam,
    InputText,
    ItemParam,
    MessageParam,
    ReasoningItemParam,
    RefusalContentParam,
    TextContentParam,
    ToolOutputParam,
)
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.reasoning_seal import ForeignSeal, unseal
from antiphon.server.tool_menu import CUSTOM_INPUT


def conversation(body: CreateResponseBody) -> list[ChatMessage]:
    """The instructions, then the items. Raises InvalidParameter for items that do not fit."""
    said = Conversation()
    if body.instructions is not None:
        said.add(ChatMessage(Role.SYSTEM, body.instructions))
    match body.input:
        case None:
            pass
        case str(text):
            said.add(ChatMessage(Role.USER, text))
        case items:
            for index, item in enumerate(items):
                said.add_item(item, f"input[{index}]")
    return said.turns()


class Conversation:
    """Grows item by item; remembers the calls, so that outputs find theirs."""

    def __init__(self) -> None:
        self._said: list[ChatMessage] = []
        self._calls: dict[str, ChatCall] = {}

    def turns(self) -> list[ChatMessage]:
        """What the assistant says in a row is one message."""
        turns: list[ChatMessage] = []
        for role, group in itertools.groupby(self._said, key=attrgetter("role")):
            said = list(group)
            turns += [joined(said)] if role is Role.ASSISTANT else said
        return turns

    def add(self, message: ChatMessage) -> None:
        self._said.append(message)

    def add_item(self, item: ItemParam, param: str) -> None:
        """`param` names the item in errors. Raises InvalidParameter."""
        match item:
            case MessageParam():
                self.add(ChatMessage(Role(item.role), _content(item.content)))
            case ReasoningItemParam():
                self._add_reasoning(item, param)
            case FunctionCallParam():
                self._add_function_call(item, param)
            case CustomToolCallParam():
                arguments = json.dumps({CUSTOM_INPUT: item.input}, ensure_ascii=False)
                self._add_call(ChatCall(item.call_id, item.name, arguments), param)
            case ToolOutputParam():
                self._add_output(item, param)

    def _add_reasoning(self, item: ReasoningItemParam, param: str) -> None:
        text = "\n".join(part.text for part in item.content or ())
        if not text and item.encrypted_content:
            try:
                text = unseal(item.encrypted_content)
            except ForeignSeal as error:
                raise _invalid(f"{param}.encrypted_content", str(error)) from None
        if text:
            self.add(ChatMessage(Role.ASSISTANT, reasoning=text))

    def _add_function_call(self, item: FunctionCallParam, param: str) -> None:
        arguments = item.arguments.strip() or "{}"
        try:
            read_object(arguments)
        except ValueError as error:
            if item.status != "incomplete":  # one that was cut off was never made
                reason = f"It has to be the text of a JSON object. {error}"
                raise _invalid(f"{param}.arguments", reason) from None
        else:
            self._add_call(ChatCall(item.call_id, item.name, arguments), param)

    def _add_call(self, call: ChatCall, param: str) -> None:
        if call.call_id in self._calls:
            raise _invalid(f"{param}.call_id", f"There are two calls with id {call.call_id!r}.")
        self._calls[call.call_id] = call
        self.add(ChatMessage(Role.ASSISTANT, calls=(call,)))

    def _add_output(self, item: ToolOutputParam, param: str) -> None:
        call = self._calls.get(item.call_id)
        if call is None:
            raise _invalid(f"{param}.call_id", f"No call before it has the id {item.call_id!r}.")
        self.add(ChatMessage(Role.TOOL, _content(item.output), answered=call))


def _content(content: InputText | Iterable[ContentParam | TextContentParam]) -> str:
    if isinstance(content, str):
        return content
    # Parts are separate texts: without a line between them, their words would run together.
    return "\n".join(map(_text, content))


def _text(part: ContentParam) -> str:
    return part.refusal if isinstance(part, RefusalContentParam) else part.text


def _invalid(param: str, reason: str) -> InvalidParameter:
    return InvalidParameter(param, f"'{param}': {reason}")
