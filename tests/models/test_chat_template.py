"""Renderings are compared with transformers: every template with every conversation."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, tzinfo
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from antiphon.models.chat_template import ChatTemplate
from antiphon.models.errors import ChatTemplateError, UnsupportedModel
from antiphon.models.tokenizer import Tokenizer
from tests.tiny import CHATML_TEMPLATE, train_tokenizer

TEMPLATES = sorted((Path(__file__).parent / "chat_templates").glob("*.jinja"))

WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a <city> & its surroundings",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "units": {"type": "string", "enum": ["°C", "°F"]},
                "days": {"type": ["integer", "null"]},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["city"],
        },
    },
}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": {"city": "Tromsø", "days": 3}},
}
HELLO = {"role": "user", "content": "  Hello,\nyou 🦜 <b>& co</b> "}

CONVERSATIONS: dict[str, list[dict[str, Any]]] = {
    "one question": [HELLO],
    "system": [{"role": "system", "content": "Be brief."}, HELLO],
    "two turns": [HELLO, {"role": "assistant", "content": " Hi! \n"}, HELLO],
    "ends with the assistant": [HELLO, {"role": "assistant", "content": "Hi!"}],
    "reasoning": [HELLO, {"role": "assistant", "content": "42", "reasoning": "6 times 7"}],
    "thoughts in the content": [
        HELLO,
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\n42"},
        HELLO,
    ],
    "tool call and result": [
        HELLO,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": '{"sky": "grey"}', "tool_call_id": "call_1"},
    ],
    "two tool calls": [HELLO, {"role": "assistant", "content": "", "tool_calls": [CALL, CALL]}],
    "broken alternation": [HELLO, HELLO],
    "parts": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " a "}]}],
    "a role nobody knows": [{"role": "weird", "content": "?"}],
    "no content": [{"role": "user"}],
}


class FrozenDatetime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "FrozenDatetime":
        return cls(2025, 2, 3, 4, 5, 6, tzinfo=tz)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer.from_folder(train_tokenizer(tmp_path_factory.mktemp("tokenizer")))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(train_tokenizer(tmp_path_factory.mktemp("reference")))


@pytest.mark.parametrize("conversation", CONVERSATIONS)
@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_rendering_equals_that_of_transformers(
    path: Path,
    conversation: str,
    tokenizer: Tokenizer,
    reference: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("transformers.utils.chat_template_utils.datetime", FrozenDatetime)
    messages, source = CONVERSATIONS[conversation], path.read_text()
    ours = ChatTemplate(source, tokenizer.special_tokens, now=FrozenDatetime.now)
    for arguments in ways_to_ask():
        try:
            expected = reference.apply_chat_template(
                messages, chat_template=source, tokenize=False, **arguments
            )
        except Exception as error:
            with pytest.raises(ChatTemplateError, match=re.escape(str(error))):
                ours.render(messages, **arguments)
        else:
            assert ours.render(messages, **arguments) == expected


def ways_to_ask() -> Iterator[dict[str, Any]]:
    for prompted, tools in product((True, False), (None, [WEATHER_TOOL])):
        for variables in ({}, {"enable_thinking": False, "bos_token": "<other>"}):
            yield {"add_generation_prompt": prompted, "tools": tools, **variables}


def test_every_template_renders_most_conversations(tokenizer: Tokenizer) -> None:
    """The comparison above would also pass if nothing could be rendered at all."""
    for path in TEMPLATES:
        template = ChatTemplate(path.read_text(), tokenizer.special_tokens)
        for conversation in ("one question", "system", "two turns", "ends with the assistant"):
            assert template.render(CONVERSATIONS[conversation])


def test_messages_are_not_changed(tokenizer: Tokenizer) -> None:
    messages = [{"role": "user", "content": "Hi", "name": None, "reasoning": "why"}]
    before = json.dumps(messages)
    ChatTemplate(CHATML_TEMPLATE, tokenizer.special_tokens).render(messages)
    assert json.dumps(messages) == before


def test_a_refusal_carries_the_template_s_own_words() -> None:
    template = ChatTemplate("{{ raise_exception('Only users may speak.') }}", {})
    with pytest.raises(ChatTemplateError, match=r"^Only users may speak\.$"):
        template.render([])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ messages[0].content + 1 }}", "TypeError"),
        ("{{ nothing.at.all }}", "'nothing' is undefined"),
        ("{{ messages.append(1) }}", "unsafe"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ dict.__init__ }}{{ dict.__class__() }}", "unsafe"),
        ("{% set ns = namespace() %}{% set ns._x = 1 %}", "underscore"),
        ("{{ namespace(_x=1) }}", "underscore"),
        ("{% for i in range(99999999) %}{% endfor %}", "OverflowError"),
        ("{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}", "RecursionError"),
    ],
)
def test_any_failure_inside_a_template_is_a_template_error(source: str, words: str) -> None:
    template = ChatTemplate(source, {})
    with pytest.raises(ChatTemplateError, match=words):
        template.render([{"role": "user", "content": "Hi"}])


def test_a_template_that_does_not_compile_is_refused() -> None:
    with pytest.raises(ChatTemplateError, match="does not compile"):
        ChatTemplate("{% for %}", {})


def test_a_template_s_variables_are_known() -> None:
    source = "{{ bos_token }}{% if enable_thinking %}{{ strftime_now('%Y') }}{% endif %}"
    assert ChatTemplate(source, {}).variables == {"bos_token", "enable_thinking"}


def write_config(folder: Path, template: object) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))


def test_the_template_file_wins_over_the_config(tmp_path: Path, tokenizer: Tokenizer) -> None:
    write_config(tmp_path, "from the config")
    (tmp_path / "chat_template.jinja").write_text("from the file")
    template = ChatTemplate.from_folder(tmp_path, tokenizer)
    assert template is not None
    assert template.render([]) == "from the file"


def test_the_older_template_file_is_found(tmp_path: Path, tokenizer: Tokenizer) -> None:
    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": "older"}))
    template = ChatTemplate.from_folder(tmp_path, tokenizer)
    assert template is not None
    assert template.source == "older"


@pytest.mark.parametrize("place", ["config", "files"])
def test_the_tool_template_is_used_when_tools_are_given(
    place: str, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    named = [{"name": "default", "template": "plain"}, {"name": "tool_use", "template": "tools"}]
    if place == "config":
        write_config(tmp_path, named)
    else:
        (tmp_path / "chat_template.jinja").write_text("plain")
        (tmp_path / "additional_chat_templates").mkdir()
        (tmp_path / "additional_chat_templates" / "tool_use.jinja").write_text("tools")
    template = ChatTemplate.from_folder(tmp_path, tokenizer)
    assert template is not None
    assert template.render([]) == "plain"
    assert template.render([], tools=[WEATHER_TOOL]) == "tools"


def test_a_folder_without_a_template_has_none(tmp_path: Path, tokenizer: Tokenizer) -> None:
    assert ChatTemplate.from_folder(tmp_path, tokenizer) is None
    write_config(tmp_path, [{"name": "rag", "template": "other"}])
    assert ChatTemplate.from_folder(tmp_path, tokenizer) is None


def test_a_template_field_of_the_wrong_kind_is_refused(
    tmp_path: Path, tokenizer: Tokenizer
) -> None:
    write_config(tmp_path, [{"name": "default"}])
    with pytest.raises(UnsupportedModel, match="chat_template must be a string or a list"):
        ChatTemplate.from_folder(tmp_path, tokenizer)


def test_a_template_file_of_the_user_s_must_exist(tmp_path: Path, tokenizer: Tokenizer) -> None:
    with pytest.raises(ChatTemplateError, match=r"missing\.jinja cannot be read"):
        ChatTemplate.from_file(tmp_path / "missing.jinja", tokenizer)
