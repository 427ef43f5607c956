"""What a chat template can show its model, found by rendering probe conversations."""

from antiphon.models.call_probe import (
    CallForm,
    probe_call_form,
    shows_results,
    shows_two_calls,
    tool_loop,
)
from antiphon.models.chat_template import ChatTemplate
from antiphon.models.reasoning_probe import probe_reasoning, probe_replay
from antiphon.models.template_abilities import TemplateAbilities
from antiphon.models.template_probe import (
    ANSWER,
    CITY,
    QUESTION,
    RESULT,
    SECOND_QUESTION,
    TOOL_NAME,
    TOOLS,
    Message,
    TemplateProbe,
)

INSTRUCTION = "Speak of wombats."
IMAGE_PART = {"type": "image"}
DEVELOPER_ROLE = ("'developer'", '"developer"')


def probe_abilities(template: ChatTemplate) -> TemplateAbilities:
    """Some fifty small renderings; a conversation that fails means no, never an error."""
    probe = TemplateProbe(template)
    shown_form = probe_call_form(probe)
    form = shown_form or CallForm()
    reasoning = probe_reasoning(probe, form)
    replay, in_parts = probe_replay(probe, form, reasoning.thinking)
    return TemplateAbilities(
        tools=probe.shows(_asked(probe), TOOL_NAME, tools=TOOLS),
        tool_calls=shown_form is not None,
        parallel_tool_calls=shows_two_calls(probe, form),
        tool_results=shows_results(probe, form),
        system=probe.shows([probe.message("system", INSTRUCTION), *_asked(probe)], INSTRUCTION),
        late_system=_shows_late_system(probe),
        developer=_knows_developer(probe),
        repeated_roles=probe.shows(_asked(probe) + _asked_again(probe), QUESTION, SECOND_QUESTION),
        images=_shows_images(probe),
        tool_images=_shows_tool_images(probe, form),
        content_parts=probe.takes_parts,
        arguments=form.arguments,
        call_content=form.content,
        reasoning_replay=replay,
        reasoning=reasoning,
        content_strings=probe.takes_text,
        reasoning_parts=in_parts,
    )


def _asked(probe: TemplateProbe) -> list[Message]:
    return [probe.message("user", QUESTION)]


def _asked_again(probe: TemplateProbe) -> list[Message]:
    return [probe.message("user", SECOND_QUESTION)]


def _shows_late_system(probe: TemplateProbe) -> bool:
    answer, system = probe.message("assistant", ANSWER), probe.message("system", INSTRUCTION)
    prompt = probe.render([*_asked(probe), answer, system, *_asked_again(probe)])
    return 0 <= prompt.find(ANSWER) < prompt.find(INSTRUCTION) < prompt.find(SECOND_QUESTION)


def _knows_developer(probe: TemplateProbe) -> bool:
    """A template that writes down any role does not know this one: nor does its model.

    One that takes it for a user's has no place for it either.
    """
    messages = [probe.message("developer", INSTRUCTION), *_asked(probe)]
    as_user = [probe.message("user", INSTRUCTION), *_asked(probe)]
    is_named = any(name in probe.source for name in DEVELOPER_ROLE)
    is_shown = probe.shows(messages, INSTRUCTION, QUESTION)
    return is_named and is_shown and probe.render(messages) != probe.render(as_user)


def _shows_images(probe: TemplateProbe) -> bool:
    text = [{"type": "text", "text": QUESTION}]
    with_image = [{"role": "user", "content": [IMAGE_PART, *text]}]
    plain = probe.render([{"role": "user", "content": text}])
    return probe.shows(with_image, QUESTION) and probe.render(with_image) != plain


def _shows_tool_images(probe: TemplateProbe, form: CallForm) -> bool:
    text = [{"type": "text", "text": RESULT}]
    *before, result = tool_loop(probe, form.turn({"city": CITY}))
    plain = [*before, {**result, "content": text}]
    with_image = [*before, {**result, "content": [IMAGE_PART, *text]}]
    return (
        _shows_images(probe)
        and probe.shows(with_image, RESULT, tools=TOOLS)
        and probe.render(with_image, tools=TOOLS) != probe.render(plain, tools=TOOLS)
    )
