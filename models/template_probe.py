"""The conversations that a chat template is tried with. A refusal counts as an empty prompt.

What a template can do is asked of the template itself: a word nobody else would write goes into a
message, and either it is in the prompt or it is not. Nothing here knows the name of a model.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from antiphon.models.chat_template import ChatTemplate
from antiphon.models.errors import ChatTemplateError
from antiphon.models.template_abilities import ArgumentsForm, CallContent

Message = Mapping[str, Any]

QUESTION, SECOND_QUESTION = "Which quokka?", "Which numbat?"
ANSWER, THOUGHT, RESULT = "bandicoot", "wondering about marsupials", "kookaburra"
CITY, SECOND_CITY = "Woolloomooloo", "Coolangatta"
TOOL_NAME, BARE_TOOL_NAME = "get_weather", "list_cities"
ARGUMENTS: Mapping[str, Any] = {
    "city": f'{CITY} <b>"1 < 2"</b>',
    "days": 3,
    "tags": ["a b", "c"],
    "place": {"lat": 1.5, "deep": {"on": True}},
    "dry": False,
}
# Some templates fail on a parameter without a description, or on an object's additional ones.
PARAMETERS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "Where."},
        "days": {"type": "integer", "description": "How long."},
        "tags": {"type": "array", "items": {"type": "string"}, "description": "Words."},
        "place": {
            "type": "object",
            "description": "Exactly where.",
            "properties": {"lat": {"type": "number", "description": "Latitude."}},
            "additionalProperties": False,
        },
        "dry": {"type": "boolean", "description": "Whether it is dry."},
    },
    "required": ["city"],
}
NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}
PRINTED_PART = re.compile(r"""["']type["']: ?["'](text|thinking|image)["']""")


def _tool(name: str, description: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


TOOLS = (
    _tool(TOOL_NAME, "The weather.", PARAMETERS),
    _tool(BARE_TOOL_NAME, "All cities.", NO_PARAMETERS),
)


def call(
    name: str, arguments: Mapping[str, Any], form: ArgumentsForm, call_id: str
) -> dict[str, Any]:
    """Mistral's templates want ids of nine letters and digits."""
    as_text = form is ArgumentsForm.STRING
    written = json.dumps(arguments, ensure_ascii=False) if as_text else arguments
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": written}}


def calling_turn(calls: Sequence[Mapping[str, Any]], content: CallContent) -> dict[str, Any]:
    text = "" if content is CallContent.EMPTY_STRING else None
    return {"role": "assistant", "content": text, "tool_calls": list(calls)}


def thinking_parts() -> list[dict[str, str]]:
    """Content with a thought in it, as Mistral's templates take reasoning."""
    return [{"type": "thinking", "thinking": THOUGHT}]


class TemplateProbe:
    """Renders probe conversations with one template.

    takes_text, takes_parts  whether a message's content may be a string, and a list of parts.
    """

    __slots__ = ("_template", "takes_parts", "takes_text")

    def __init__(self, template: ChatTemplate) -> None:
        self._template = template
        parts = [{"type": "text", "text": QUESTION}]
        self.takes_text = QUESTION in self.render([{"role": "user", "content": QUESTION}])
        self.takes_parts = self.shows([{"role": "user", "content": parts}], QUESTION)

    @property
    def source(self) -> str:
        return self._template.source

    def message(self, role: str, text: str, **fields: object) -> dict[str, Any]:
        """A message in whichever form of content the template takes."""
        parts_only = self.takes_parts and not self.takes_text
        content = [{"type": "text", "text": text}] if parts_only else text
        return {"role": role, "content": content, **fields}

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        add_generation_prompt: bool = True,
        **variables: Any,  # noqa: ANN401 - whatever the template reads
    ) -> str:
        """The prompt; empty when the template refuses."""
        try:
            return self._template.render(
                messages, tools=tools, add_generation_prompt=add_generation_prompt, **variables
            )
        except ChatTemplateError:
            return ""

    def shows(self, messages: Sequence[Message], *words: str, **variables: Any) -> bool:  # noqa: ANN401
        """Whether all words reach the prompt, and not only as part of a printed data structure."""
        prompt = self.render(messages, **variables)
        return all(word in prompt for word in words) and not _prints_parts(prompt)


def _prints_parts(prompt: str) -> bool:
    return PRINTED_PART.search(prompt) is not None
