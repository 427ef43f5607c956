"""From a request's items to messages: what belongs to one turn of the assistant becomes one."""

import itertools
import json
from collections.abc import Iterable
from operator import attrgetter

from antiphon.models.verbatim_json import read_object
from antiphon.server.chat.message import ChatCall, ChatMessage, Role, joined
from antiphon.server.history.placed_item import PlacedItem
from antiphon.server.offered_tool import CUSTOM_INPUT, model_name
from antiphon.server.protocol.errors import InvalidParameter
from antiphon.server.protocol.input_content import (
    ContentParam,
    InputFileParam,
    InputText,
    RefusalContentParam,
)
from antiphon.server.protocol.input_items import (
    CustomToolCallParam,
    FunctionCallParam,
    MessageParam,
    ReasoningItemParam,
    ToolOutputParam,
)


def conversation(instructions: str | None, items: Iterable[PlacedItem]) -> list[ChatMessage]:
    """The instructions, then the items. Raises InvalidParameter for items that do not fit."""
    said = Conversation()
    if instructions is not None:
        said.add(ChatMessage(Role.SYSTEM, instructions))
    for placed in items:
        said.add_item(placed)
    return said.turns()


class Conversation:
    """Grows item by item; remembers the calls, so that outputs find theirs."""

    def __init__(self) -> None:
        self._said: list[ChatMessage] = []
        self._calls: dict[str, ChatCall] = {}
        self._answered: set[str] = set()

    def turns(self) -> list[ChatMessage]:
        """What the assistant says in a row is one message."""
        turns: list[ChatMessage] = []
        for role, group in itertools.groupby(self._said, key=attrgetter("role")):
            said = list(group)
            turns += [joined(said)] if role is Role.ASSISTANT else said
        return turns

    def add(self, message: ChatMessage) -> None:
        self._said.append(message)

    def add_item(self, placed: PlacedItem) -> None:
        """Raises InvalidParameter."""
        match placed.item:
            case MessageParam() as item:
                self.add(ChatMessage(Role(item.role), _content(item.content)))
            case ReasoningItemParam() as item:
                self._add_reasoning(item)
            case FunctionCallParam() as item:
                self._add_function_call(item, placed)
            case CustomToolCallParam() as item:
                arguments = json.dumps({CUSTOM_INPUT: item.input}, ensure_ascii=False)
                self._add_call(ChatCall(item.call_id, item.name, arguments), placed)
            case ToolOutputParam() as item:
                self._add_output(item, placed)

    def _add_reasoning(self, item: ReasoningItemParam) -> None:
        text = "\n".join(part.text for part in item.content or ())
        if text:
            self.add(ChatMessage(Role.ASSISTANT, reasoning=text))

    def _add_function_call(self, item: FunctionCallParam, placed: PlacedItem) -> None:
        arguments = item.arguments.strip() or "{}"
        try:
            read_object(arguments)
        except ValueError as error:
            if item.status != "incomplete":  # one that was cut off was never made
                reason = f"It has to be the text of a JSON object. {error}"
                raise _invalid(placed.param_of("arguments"), reason) from None
        else:
            name = model_name(item.name, item.namespace)
            self._add_call(ChatCall(item.call_id, name, arguments), placed)

    def _add_call(self, call: ChatCall, placed: PlacedItem) -> None:
        """An id may be used again once its call is answered: some clients count anew each turn."""
        if call.call_id in self._calls.keys() - self._answered:
            reason = f"There are two calls with id {call.call_id!r}."
            raise _invalid(placed.param_of("call_id"), reason)
        self._calls[call.call_id] = call
        self._answered.discard(call.call_id)
        self.add(ChatMessage(Role.ASSISTANT, calls=(call,)))

    def _add_output(self, item: ToolOutputParam, placed: PlacedItem) -> None:
        call = self._calls.get(item.call_id)
        if call is None:
            reason = f"No call before it has the id {item.call_id!r}."
            raise _invalid(placed.param_of("call_id"), reason)
        self._answered.add(item.call_id)
        self.add(ChatMessage(Role.TOOL, _content(item.output), answered=call))


def _content(content: InputText | Iterable[ContentParam]) -> str:
    if isinstance(content, str):
        return content
    # Parts are separate texts: without a line between them, their words would run together.
    return "\n".join(map(_text, content))


def _text(part: ContentParam) -> str:
    assert not isinstance(part, InputFileParam), "files have become text"
    return part.refusal if isinstance(part, RefusalContentParam) else part.text


def _invalid(param: str, reason: str) -> InvalidParameter:
    return InvalidParameter(param, f"'{param}': {reason}")
