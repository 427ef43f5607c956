"""From messages to the prompt, through the model's own chat template."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from antiphon.models.chat_template import ChatTemplate
from antiphon.models.errors import ChatTemplateError
from antiphon.models.language_side import LanguageSide
from antiphon.models.untrusted_text import UntrustedText
from antiphon.server.chat.concessions import CONCESSIONS
from antiphon.server.chat.message import ChatMessage
from antiphon.server.chat.template_messages import template_messages
from antiphon.server.protocol.errors import NothingSaid

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is given. text: as it was rendered, before it was made tokens."""

    text: str
    token_ids: list[int]


def build_prompt(
    messages: Sequence[ChatMessage],
    language_side: LanguageSide,
    *,
    tools: Sequence[Json] = (),
    effort: str | None = None,
) -> Prompt:
    """`effort`: how much the model is to think.

    Raises NothingSaid, and ChatTemplateError where the template refuses
    the messages or cannot think as much as is asked.
    """
    if not messages:
        raise NothingSaid
    template, abilities = language_side.chat_template, language_side.abilities
    if template is None or abilities is None:
        raise ChatTemplateError("The model has no chat template, so it cannot take messages.")
    variables = abilities.reasoning.variables(effort)
    shown = template_messages(messages, tools, abilities)
    untrusted = UntrustedText(language_side.tokenizer, [shown, tools])
    rendered = _render(
        template,
        untrusted.guarded(shown),
        tools=untrusted.guarded(tools) if tools and abilities.tools else None,
        **variables,
    )
    return Prompt(untrusted.text(rendered), untrusted.encode(rendered))


def _render(template: ChatTemplate, messages: Sequence[Json], **variables: Any) -> str:  # noqa: ANN401
    """Raises the template's first ChatTemplateError when no concession helps either."""
    refusal: ChatTemplateError | None = None
    for attempt in _attempts(messages):
        try:
            return template.render(attempt, **variables)
        except ChatTemplateError as error:
            refusal = refusal or error
    assert refusal is not None, "there is at least one attempt"
    raise refusal


def _attempts(messages: Sequence[Json]) -> Iterator[Sequence[Json]]:
    yield messages
    for concession in CONCESSIONS:
        conceded = concession(messages)
        if conceded != messages:
            messages = conceded
            yield messages
