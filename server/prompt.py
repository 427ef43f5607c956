"""From a request to the prompt, through the model's own chat template."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from antiphon.models.chat_template import ChatTemplate
from antiphon.models.errors import ChatTemplateError
from antiphon.models.language_side import LanguageSide
from antiphon.models.untrusted_text import UntrustedText
from antiphon.server.chat.concessions import CONCESSIONS
from antiphon.server.chat.conversation import conversation
from antiphon.server.chat.template_messages import template_messages
from antiphon.server.protocol.errors import InvalidParameter
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.tool_menu import ToolMenu

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is given. text: as it was rendered, before it was made tokens."""

    text: str
    token_ids: list[int]


def build_prompt(body: CreateResponseBody, menu: ToolMenu, language_side: LanguageSide) -> Prompt:
    """Raises InvalidParameter for items that do not fit, ChatTemplateError where the template
    refuses them or cannot think as much as is asked.
    """
    messages = conversation(body)
    if not messages:
        raise InvalidParameter("input", "'input' is required: there is nothing to respond to.")
    template, abilities = language_side.chat_template, language_side.abilities
    if template is None or abilities is None:
        raise ChatTemplateError("The model has no chat template, so it cannot take messages.")
    effort = body.reasoning.effort if body.reasoning else None
    variables = abilities.reasoning.variables(effort)
    tools = menu.for_template()
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
