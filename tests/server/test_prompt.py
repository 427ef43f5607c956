"""From items to the messages that a chat template renders, and to tokens."""

import pytest

from antiphon.models.language_side import LanguageSide
from antiphon.server.prompt import ChatMessage, chat_messages, prompt_token_ids
from antiphon.server.protocol.requests import CreateResponseBody


def messages_of(**fields: object) -> list[ChatMessage]:
    return chat_messages(CreateResponseBody.model_validate(fields))


def test_string_is_a_user_message_also_when_it_is_empty() -> None:
    assert messages_of(input="Hi") == [{"role": "user", "content": "Hi"}]
    assert messages_of(input="") == [{"role": "user", "content": ""}]


def test_instructions_come_before_the_systems_own_words() -> None:
    messages = messages_of(instructions="Be brief.", input=[{"role": "system", "content": "Sys"}])
    assert messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "system", "content": "Sys"},
    ]


def test_instructions_alone_are_a_prompt() -> None:
    assert messages_of(instructions="Be brief.") == [{"role": "system", "content": "Be brief."}]


def test_developer_speaks_as_system_and_turns_keep_their_order() -> None:
    roles = ["developer", "user", "assistant", "user"]
    items = [{"role": role, "content": role} for role in roles]
    assert messages_of(input=items) == [
        {"role": "system", "content": "developer"},
        {"role": "user", "content": "user"},
        {"role": "assistant", "content": "assistant"},
        {"role": "user", "content": "user"},
    ]


@pytest.mark.parametrize("kind", ["input_text", "output_text", "text"])
def test_text_parts_of_every_name_are_joined_by_lines(kind: str) -> None:
    parts = [{"type": kind, "text": "one"}, {"type": kind, "text": "two", "annotations": []}]
    assert messages_of(input=[{"role": "user", "content": parts}]) == [
        {"role": "user", "content": "one\ntwo"}
    ]


def test_refusal_is_text_of_the_assistant() -> None:
    part = {"type": "refusal", "refusal": "I will not."}
    assert messages_of(input=[{"role": "assistant", "content": [part]}]) == [
        {"role": "assistant", "content": "I will not."}
    ]


def test_message_without_parts_is_empty_text() -> None:
    assert messages_of(input=[{"role": "user", "content": []}]) == [{"role": "user", "content": ""}]


def test_prompt_is_the_rendered_template_with_the_assistants_turn_begun(
    language_side: LanguageSide,
) -> None:
    body = CreateResponseBody(instructions="Sys", input="Hi")
    assert prompt_token_ids(body, language_side) == language_side.tokenizer.encode(
        "<|im_start|>system\nSys<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )
