"""A conversation to the text that the model was trained on, through the template it came with."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta

from antiphon.models.chat_template_files import TemplateSources, read_template_sources
from antiphon.models.errors import ChatTemplateError
from antiphon.models.template_environment import template_environment
from antiphon.models.tokenizer import Tokenizer

# Names under which a message's reasoning is passed; most templates read the first, few the others.
REASONING_FIELDS = ("reasoning_content", "thinking", "reasoning")


class ChatTemplate:
    """A compiled template; renders exactly as transformers' apply_chat_template does.

    source, tool_use_source  Jinja; the second, where a model has it, is used when tools are given.
    special_tokens           bos_token, eos_token, ...: variables that every rendering may use.

    Raises ChatTemplateError when a source does not compile.
    """

    __slots__ = ("_special_tokens", "_template", "_tool_use_template", "source", "variables")

    def __init__(
        self,
        source: str,
        special_tokens: Mapping[str, str],
        *,
        tool_use_source: str | None = None,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        environment = template_environment(now)
        self.source = source
        self._special_tokens = dict(special_tokens)
        self._template = _compile(environment, source)
        self._tool_use_template = (
            self._template if tool_use_source is None else _compile(environment, tool_use_source)
        )
        self.variables = _variables(environment, source, tool_use_source or "")
        """What the template reads from outside, such as messages, tools or enable_thinking."""

    @classmethod
    def from_folder(cls, folder: Path, tokenizer: Tokenizer) -> "ChatTemplate | None":
        """The folder's template; None for a base model that has none."""
        sources = read_template_sources(folder)
        return None if sources is None else cls.from_sources(sources, tokenizer)

    @classmethod
    def from_file(cls, file: Path, tokenizer: Tokenizer) -> "ChatTemplate":
        """A template chosen by the user. Raises ChatTemplateError when it cannot be read."""
        try:
            source = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ChatTemplateError(f"The chat template {file} cannot be read: {error}.") from error
        return cls(source, tokenizer.special_tokens)

    @classmethod
    def from_sources(cls, sources: TemplateSources, tokenizer: Tokenizer) -> "ChatTemplate":
        return cls(sources.default, tokenizer.special_tokens, tool_use_source=sources.tool_use)

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        documents: Sequence[Mapping[str, Any]] | None = None,
        add_generation_prompt: bool = True,
        **variables: object,
    ) -> str:
        """The prompt's text. `variables` go to the template and override the special tokens.

        Messages, tools and variables must be plain JSON data: the template sees the very objects.
        Raises ChatTemplateError with the template's own words when it refuses or fails.
        """
        template = self._template if tools is None else self._tool_use_template
        try:
            return template.render(
                messages=[_prepare(message) for message in messages],
                tools=tools,
                documents=documents,
                add_generation_prompt=add_generation_prompt,
                **(self._special_tokens | variables),
            )
        except jinja2.TemplateError as error:
            raise ChatTemplateError(error.message or type(error).__name__) from error
        except Exception as error:  # a template is a program: it can fail in any way
            raise ChatTemplateError(
                f"The chat template failed on these messages: {type(error).__name__}: {error}"
            ) from error


def _prepare(message: Mapping[str, Any]) -> dict[str, Any]:
    """Drop fields that are null (templates test for presence) and name the reasoning alike."""
    present = {key: value for key, value in message.items() if value is not None}
    reasoning = next((present[key] for key in REASONING_FIELDS if key in present), None)
    if reasoning is None:
        return present
    return {**dict.fromkeys(REASONING_FIELDS, reasoning), **present, "reasoning_content": reasoning}


def _compile(environment: jinja2.Environment, source: str) -> jinja2.Template:
    try:
        return environment.from_string(source)
    except jinja2.TemplateError as error:
        raise ChatTemplateError(f"The chat template does not compile: {error}") from error


def _variables(environment: jinja2.Environment, *sources: str) -> frozenset[str]:
    parsed = [environment.parse(source) for source in sources]
    return frozenset().union(*map(meta.find_undeclared_variables, parsed)) - set(
        environment.globals
    )
