"""In which form a chat template wants past calls, and whether it shows them at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from antiphon.models.template_abilities import ArgumentsForm, CallContent
from antiphon.models.template_probe import (
    BARE_TOOL_NAME,
    CITY,
    QUESTION,
    RESULT,
    SECOND_CITY,
    TOOL_NAME,
    TOOLS,
    Message,
    TemplateProbe,
    call,
    calling_turn,
)

FIRST_ID, SECOND_ID = "callprb01", "callprb02"
SIMPLE_ARGUMENTS: Mapping[str, Any] = {"city": CITY}

MAPPING, STRING = ArgumentsForm.MAPPING, ArgumentsForm.STRING

Conversation = Callable[[TemplateProbe, Message], list[Message]]


@dataclass(frozen=True, slots=True)
class CallForm:
    """How to write an assistant's turn that calls. arguments: EITHER where it does not matter."""

    arguments: ArgumentsForm = ArgumentsForm.MAPPING
    content: CallContent = CallContent.EMPTY_STRING

    def turn(self, *arguments: Mapping[str, Any], **fields: object) -> dict[str, Any]:
        """A turn with as many calls as arguments; those without any go to the bare tool."""
        calls = [
            call(TOOL_NAME if given else BARE_TOOL_NAME, given, self.arguments, call_id)
            for given, call_id in zip(arguments, (FIRST_ID, SECOND_ID), strict=False)
        ]
        return calling_turn(calls, self.content) | fields


def probe_call_form(probe: TemplateProbe) -> CallForm | None:
    """None when no form of a call is shown."""
    forms = [
        CallForm(arguments, content)
        for arguments, content in product((MAPPING, STRING), CallContent)
    ]
    # Without its result a call ends the conversation, where templates are less particular.
    for conversation in (tool_loop, _until_call):
        prompts = {form: _prompt(probe, form, conversation) for form in forms}
        good = {form: prompt for form, prompt in prompts.items() if prompt}
        if good:
            return _best(good)
    return None


def _best(good: Mapping[CallForm, str]) -> CallForm:
    """What is added for content that is not there, the model would not have written."""
    by_form = {
        arguments: {prompt for form, prompt in good.items() if form.arguments is arguments}
        for arguments in (MAPPING, STRING)
    }
    kept = MAPPING if by_form[MAPPING] else STRING
    shortest = min(
        (form for form in good if form.arguments is kept), key=lambda form: len(good[form])
    )
    if by_form[MAPPING] == by_form[STRING]:
        return CallForm(ArgumentsForm.EITHER, shortest.content)
    return shortest


def shows_two_calls(probe: TemplateProbe, form: CallForm) -> bool:
    turn = form.turn(SIMPLE_ARGUMENTS, {"city": SECOND_CITY})
    return any(
        probe.shows(conversation(probe, turn), CITY, SECOND_CITY, tools=TOOLS)
        for conversation in (tool_loop, _until_call)
    )


def shows_results(probe: TemplateProbe, form: CallForm) -> bool:
    return probe.shows(tool_loop(probe, form.turn(SIMPLE_ARGUMENTS)), RESULT, tools=TOOLS)


def tool_loop(probe: TemplateProbe, turn: Message) -> list[Message]:
    """A question, calls and their results: what a model with tools is asked most often."""
    results = [
        probe.message("tool", RESULT, tool_call_id=called["id"], name=called["function"]["name"])
        for called in turn["tool_calls"]
    ]
    return [*_until_call(probe, turn), *results]


def _until_call(probe: TemplateProbe, turn: Message) -> list[Message]:
    return [probe.message("user", QUESTION), turn]


def _prompt(probe: TemplateProbe, form: CallForm, conversation: Conversation) -> str:
    """Empty unless the call is shown with its name, and its arguments once and as they are."""
    unasked = probe.render([probe.message("user", QUESTION)], tools=TOOLS)
    prompt = probe.render(conversation(probe, form.turn(SIMPLE_ARGUMENTS)), tools=TOOLS)
    is_called = CITY in prompt and prompt.count(TOOL_NAME) > unasked.count(TOOL_NAME)
    return prompt if is_called and _num_mangled(prompt) == _num_mangled(unasked) else ""


def _num_mangled(prompt: str) -> int:
    """How often there is JSON within JSON, or Python's spelling of a mapping."""
    return prompt.count('{\\"city') + prompt.count("{'city'")
