"""From items to messages: whose they are, what belongs together, and what does not fit."""

import json

import pytest

from antiphon.server.chat.message import ChatCall, ChatMessage, Role
from antiphon.server.protocol.errors import InvalidParameter
from antiphon.server.protocol.requests import CreateResponseBody
from tests.histories import messages_of

USER = {"role": "user", "content": "Hi"}


def said(*items: object, **fields: object) -> list[ChatMessage]:
    return messages_of(CreateResponseBody.model_validate({"input": list(items), **fields}))


def call(call_id: str, arguments: str = "{}", **fields: object) -> dict[str, object]:
    fields = {"type": "function_call", "call_id": call_id, "name": "f", **fields}
    return {**fields, "arguments": arguments}


def output(call_id: str, text: object = "ok") -> dict[str, object]:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


def reasoning(text: str) -> dict[str, object]:
    return {"type": "reasoning", "content": [{"type": "reasoning_text", "text": text}]}


def test_string_is_a_user_message_also_when_it_is_empty() -> None:
    for text in ("Hi", ""):
        assert messages_of(CreateResponseBody(input=text)) == [ChatMessage(Role.USER, text)]


def test_instructions_come_before_everything_else() -> None:
    messages = said({"role": "system", "content": "Sys"}, instructions="Be brief.")
    assert [message.text for message in messages] == ["Be brief.", "Sys"]
    assert messages_of(CreateResponseBody(instructions="Alone")) == [
        ChatMessage(Role.SYSTEM, "Alone")
    ]


@pytest.mark.parametrize("kind", ["input_text", "output_text", "text"])
def test_text_parts_of_every_name_are_joined_by_lines(kind: str) -> None:
    parts = [{"type": kind, "text": "one"}, {"type": kind, "text": "two", "annotations": []}]
    assert said({"role": "user", "content": parts}) == [ChatMessage(Role.USER, "one\ntwo")]
    assert said({"role": "user", "content": []}) == [ChatMessage(Role.USER, "")]


def test_refusal_is_text_of_the_assistant() -> None:
    part = {"type": "refusal", "refusal": "I will not."}
    assert said({"role": "assistant", "content": [part]}) == [
        ChatMessage(Role.ASSISTANT, "I will not.")
    ]


def test_reasoning_text_and_calls_of_one_turn_are_one_message() -> None:
    first, second = ChatCall("a", "f", '{"x":1.0}'), ChatCall("b", "g", "{}")
    messages = said(
        USER,
        reasoning("Hm."),
        {"role": "assistant", "content": "Let me see.", "phase": "commentary"},
        call("a", '{"x":1.0}'),
        reasoning("And."),
        call("b", "", name="g"),
        output("a", "one"),
        output("b", [{"type": "input_text", "text": "two"}]),
        {"role": "assistant", "content": "Done."},
    )
    assert messages[1:] == [
        ChatMessage(Role.ASSISTANT, "Let me see.", "Hm.\nAnd.", (first, second)),
        ChatMessage(Role.TOOL, "one", answered=first),
        ChatMessage(Role.TOOL, "two", answered=second),
        ChatMessage(Role.ASSISTANT, "Done."),
    ]


def test_thousands_of_items_in_a_row_are_one_message() -> None:
    items = [{"role": "assistant", "content": "x" * 1000}] * 9_999
    [message] = said(*items, call("c"))
    assert len(message.text) == 9_999 * 1002 - 2
    assert len(message.calls) == 1


def test_custom_call_is_a_call_with_one_text() -> None:
    custom = {"type": "custom_tool_call", "call_id": "a", "name": "p", "input": 'é\n"'}
    answered = {"type": "custom_tool_call_output", "call_id": "a", "output": "ok"}
    turn, result = said(custom, answered)
    assert json.loads(turn.calls[0].arguments) == {"input": 'é\n"'}
    assert result.answered == turn.calls[0]


def test_call_that_was_cut_off_is_left_out() -> None:
    assert said(USER, call("a", '{"x', status="incomplete")) == [ChatMessage(Role.USER, "Hi")]


@pytest.mark.parametrize(
    ("items", "param"),
    [
        ([USER, output("a")], "input[1].call_id"),
        ([output("a"), call("a")], "input[0].call_id"),
        ([call("a"), output("b")], "input[1].call_id"),
        ([call("a"), call("a")], "input[1].call_id"),
        ([call("a", '{"x')], "input[0].arguments"),
        ([call("a", "[]")], "input[0].arguments"),
        ([call("a", '{"x": NaN}')], "input[0].arguments"),
        ([call("a", '{"x": "\\ud800"}')], "input[0].arguments"),
        ([call("a", '{"x": ' + "[" * 5000 + "]" * 5000 + "}")], "input[0].arguments"),
    ],
)
def test_item_that_does_not_fit_is_named(items: list[object], param: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        said(*items)
    assert caught.value.param == param
    assert str(caught.value).startswith(f"'{param}': ")
