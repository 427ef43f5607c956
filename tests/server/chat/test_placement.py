"""Messages where a template can take them."""

from dataclasses import replace

import pytest

from antiphon.models.template_abilities import TemplateAbilities
from antiphon.server.chat.message import ChatCall, ChatMessage, Role
from antiphon.server.chat.placement import placed
from tests.abilities import ABLE

NO_DEVELOPER = replace(ABLE, developer=False)
NO_LATE_SYSTEM = replace(ABLE, developer=False, late_system=False)
NO_SYSTEM = replace(NO_LATE_SYSTEM, system=False)
ALTERNATING = replace(NO_LATE_SYSTEM, repeated_roles=False)

A, B, C = (ChatCall(call_id, "f", "{}") for call_id in "abc")


def message(short: str) -> ChatMessage:
    role, _, text = short.partition(" ")
    return ChatMessage(Role(role), text)


def shown(messages: str, abilities: TemplateAbilities, addition: str | None = None) -> list[str]:
    """Messages as `role text`, separated by semicolons."""
    given = list(map(message, messages.split("; "))) if messages else []
    result = placed(given, abilities, addition)
    return [f"{found.role} {found.text}".replace("\n", "/") for found in result]


@pytest.mark.parametrize(
    ("messages", "abilities", "expected"),
    [
        ("system a; developer b; user c", ABLE, ["system a//b", "user c"]),
        ("user a; developer b; user c", ABLE, ["user a", "developer b", "user c"]),
        ("user a; developer b; user c", NO_DEVELOPER, ["user a", "system b", "user c"]),
        ("system a; user b; system c", ABLE, ["system a", "user b", "system c"]),
        ("system a; user b; developer c", NO_LATE_SYSTEM, ["system a//c", "user b"]),
        ("user a; system b; user c", NO_LATE_SYSTEM, ["system b", "user a", "user c"]),
        ("user a; system b; user c", ALTERNATING, ["system b", "user a//c"]),
        ("system a; user b; user c", NO_SYSTEM, ["user a//b", "user c"]),
        ("system a; assistant b; user c", NO_SYSTEM, ["assistant b", "user a//c"]),
        ("system a", NO_SYSTEM, ["user a"]),
        ("system a; assistant b", NO_SYSTEM, ["user a", "assistant b"]),
        ("", ABLE, []),
    ],
)
def test_system_messages_go_where_the_template_shows_them(
    messages: str, abilities: TemplateAbilities, expected: list[str]
) -> None:
    assert shown(messages, abilities) == expected


def test_addition_ends_the_system_message_or_is_one() -> None:
    assert shown("system a; user b", ABLE, "tools") == ["system a//tools", "user b"]
    assert shown("user b", ABLE, "tools") == ["system tools", "user b"]
    assert shown("user b", NO_SYSTEM, "tools") == ["user tools//b"]


def test_calls_made_at_once_are_made_in_turn_where_the_template_wants_that() -> None:
    turn = ChatMessage(Role.ASSISTANT, "Let me see.", "Hm.", (A, B))
    outputs = [ChatMessage(Role.TOOL, text, answered=call) for text, call in (("2", B), ("1", A))]
    question = ChatMessage(Role.USER, "Hi")
    conversation = [question, turn, *outputs, question]
    assert placed(conversation, ABLE) == conversation
    assert placed(conversation, replace(ABLE, parallel_tool_calls=False)) == [
        question,
        replace(turn, calls=(A,)),
        outputs[1],
        ChatMessage(Role.ASSISTANT, calls=(B,)),
        outputs[0],
        question,
    ]


def test_outputs_in_a_row_are_never_merged() -> None:
    turn = ChatMessage(Role.ASSISTANT, calls=(A, B))
    outputs = [ChatMessage(Role.TOOL, "x", answered=call) for call in (A, B)]
    assert placed([turn, *outputs], ALTERNATING) == [turn, *outputs]


def test_late_output_of_an_earlier_call_is_not_lost() -> None:
    first, second = ChatMessage(Role.ASSISTANT, calls=(A,)), ChatMessage(Role.ASSISTANT, calls=(B,))
    late = ChatMessage(Role.TOOL, "late", answered=A)
    only_one = replace(ABLE, parallel_tool_calls=False)
    question = ChatMessage(Role.USER, "Hi")
    assert late in placed([first, question, second, late], only_one)
    assert late in placed([first, question, late], only_one)


def test_thousands_of_calls_made_at_once_are_made_in_turn() -> None:
    calls = tuple(ChatCall(f"call_{index}", "f", "{}") for index in range(3_000))
    outputs = [ChatMessage(Role.TOOL, call.call_id, answered=call) for call in reversed(calls)]
    only_one = replace(ABLE, parallel_tool_calls=False)
    turns = placed([ChatMessage(Role.ASSISTANT, calls=calls), *outputs], only_one)
    assert [turn.answered for turn in turns[1::2]] == list(calls)


def test_what_the_assistant_said_around_a_moved_message_stays_whole() -> None:
    said = [ChatMessage(Role.ASSISTANT, text, f"Thought {text}.") for text in "ab"]
    late = ChatMessage(Role.SYSTEM, "late")
    assert placed([ChatMessage(Role.USER, "Hi"), said[0], late, said[1]], ALTERNATING)[2:] == [
        ChatMessage(Role.ASSISTANT, "a\n\nb", "Thought a.\nThought b.")
    ]
