"""Messages as chat templates know them: plain dicts, in the shapes that this template can show."""

from collections.abc import Mapping, Sequence
from typing import Any

from antiphon.models.template_abilities import ArgumentsForm, CallContent, TemplateAbilities
from antiphon.models.verbatim_json import read_object
from antiphon.server.chat.message import ChatCall, ChatMessage, Role
from antiphon.server.chat.placement import placed
from antiphon.server.chat.plain_tools import tools_prompt, with_calls_as_text, with_outputs_as_text

Json = dict[str, Any]


def template_messages(
    messages: Sequence[ChatMessage], tools: Sequence[Json], abilities: TemplateAbilities
) -> list[Json]:
    """What the template cannot show of tools, calls and outputs is written out as text.

    A template that drops calls may write any role down: its model was not trained on outputs.
    """
    shown = list(messages)
    if not abilities.tool_calls:
        shown = list(map(with_calls_as_text, shown))
    if not (abilities.tool_calls and abilities.tool_results):
        shown = with_outputs_as_text(shown)
    addition = tools_prompt(tools) if tools and not abilities.tools else None
    return [_message(message, abilities) for message in placed(shown, abilities, addition)]


def _message(message: ChatMessage, abilities: TemplateAbilities) -> Json:
    shown: Json = {"role": message.role.value, "content": _content(message, abilities)}
    if message.answered is not None and message.role is Role.TOOL:
        call = message.answered
        shown |= {"tool_call_id": call.call_id, "name": call.name}
    if message.reasoning and not abilities.reasoning_parts:
        shown["reasoning_content"] = message.reasoning
    if message.calls:
        shown["tool_calls"] = [_call(call, abilities.arguments) for call in message.calls]
    return shown


def _content(message: ChatMessage, abilities: TemplateAbilities) -> str | list[Json] | None:
    # Without the line ends before a call: those are written by the template.
    text = message.text.rstrip() if message.calls else message.text
    thoughts = message.reasoning if abilities.reasoning_parts else None
    if thoughts:
        return [{"type": "thinking", "thinking": thoughts}, *_parts(text)]
    if message.calls and not text:
        return None if abilities.call_content is CallContent.NULL else ""
    is_shown_in_parts_only = abilities.content_parts and not abilities.content_strings
    return _parts(text) if is_shown_in_parts_only else text


def _parts(text: str) -> list[Json]:
    return [{"type": "text", "text": text}]


def _call(call: ChatCall, form: ArgumentsForm) -> Json:
    arguments: str | Mapping[str, Any] = call.arguments
    if form is ArgumentsForm.MAPPING:
        arguments = read_object(call.arguments)
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.call_id, "type": "function", "function": function}
