"""Messages in the shapes that a template can show."""

import json
from dataclasses import replace
from typing import Any

import pytest

from antiphon.models.template_abilities import ArgumentsForm, CallContent, TemplateAbilities
from antiphon.models.verbatim_json import VerbatimObject
from antiphon.server.chat.message import ChatCall, ChatMessage, Role
from antiphon.server.chat.template_messages import template_messages
from tests.abilities import ABLE

CALL = ChatCall("call_1", "f", '{"b":1.0,  "a":2}')
CALLING = ChatMessage(Role.ASSISTANT, calls=(CALL,))
QUESTION = ChatMessage(Role.USER, "Hi")
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


def shown(
    *messages: ChatMessage, abilities: TemplateAbilities = ABLE, tools: tuple[Any, ...] = ()
) -> list[dict[str, Any]]:
    return template_messages(messages, tools, abilities)


def test_call_and_its_output_are_tied_by_id_and_name() -> None:
    output = ChatMessage(Role.TOOL, "ok", answered=CALL)
    _, calling, result = shown(QUESTION, CALLING, output)
    assert calling == {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "f", "arguments": {"b": 1.0, "a": 2}},
            }
        ],
    }
    assert result == {"role": "tool", "content": "ok", "tool_call_id": "call_1", "name": "f"}


@pytest.mark.parametrize("form", ArgumentsForm)
def test_arguments_are_given_as_the_template_wants_them_and_as_they_were_written(
    form: ArgumentsForm,
) -> None:
    (calling,) = shown(CALLING, abilities=replace(ABLE, arguments=form))
    arguments = calling["tool_calls"][0]["function"]["arguments"]
    if form is ArgumentsForm.MAPPING:
        assert isinstance(arguments, VerbatimObject)
        arguments = arguments.source
    assert arguments == CALL.arguments


def test_content_beside_a_call_is_what_the_template_takes() -> None:
    null = replace(ABLE, call_content=CallContent.NULL)
    assert shown(CALLING, abilities=null)[0]["content"] is None
    wordy = replace(CALLING, text="Let me see.\n\n")
    assert shown(wordy, abilities=null)[0]["content"] == "Let me see."
    assert shown(ChatMessage(Role.ASSISTANT, "Done.\n"))[0]["content"] == "Done.\n"


def test_reasoning_is_a_field_or_a_part_of_the_content() -> None:
    thinking = ChatMessage(Role.ASSISTANT, "Hi", "Hm.")
    assert shown(thinking) == [{"role": "assistant", "content": "Hi", "reasoning_content": "Hm."}]
    (in_parts,) = shown(thinking, abilities=replace(ABLE, reasoning_parts=True))
    assert in_parts["content"] == [
        {"type": "thinking", "thinking": "Hm."},
        {"type": "text", "text": "Hi"},
    ]


def test_content_is_a_list_where_a_string_is_not_shown() -> None:
    (question,) = shown(QUESTION, abilities=replace(ABLE, content_strings=False))
    assert question["content"] == [{"type": "text", "text": "Hi"}]


def test_tools_are_written_out_for_a_template_that_shows_none() -> None:
    assert shown(QUESTION, tools=(TOOL,)) == shown(QUESTION)
    system, question = shown(QUESTION, abilities=replace(ABLE, tools=False), tools=(TOOL,))
    assert system["role"] == "system"
    assert f"<tools>\n{json.dumps(TOOL)}\n</tools>" in system["content"]
    assert question["content"] == "Hi"
    assert shown(QUESTION, abilities=replace(ABLE, tools=False)) == [question]


def test_calls_and_outputs_are_written_out_for_a_template_that_drops_them() -> None:
    outputs = [ChatMessage(Role.TOOL, text, answered=CALL) for text in ("one", "two")]
    plain = replace(ABLE, tool_calls=False)
    turn = replace(CALLING, text="Let me see.\n")
    calling, result, question = shown(turn, *outputs, QUESTION, abilities=plain)
    assert calling == {
        "role": "assistant",
        "content": 'Let me see.\n<tool_call>\n{"name": "f", "arguments": {"b":1.0,  "a":2}}\n'
        "</tool_call>",
    }
    assert result == {
        "role": "user",
        "content": "<tool_response>\none\n</tool_response>\n<tool_response>\ntwo\n</tool_response>",
    }
    assert question["content"] == "Hi"


def test_outputs_alone_are_written_out_where_only_they_are_dropped() -> None:
    output = ChatMessage(Role.TOOL, "one", answered=CALL)
    calling, result = shown(CALLING, output, abilities=replace(ABLE, tool_results=False))
    assert calling["tool_calls"]
    assert result["role"] == "user"
