"""Whether a chat template knows of reasoning, shows it again, and how it is switched.

Three kinds of variables are tried: switches (on or off), levels (a word for each effort) and flags
(one effort each). A variable counts only when it changes the prompt.
"""

import re
from dataclasses import dataclass
from itertools import product

from antiphon.models.call_probe import CallForm, tool_loop
from antiphon.models.reasoning_switch import EFFORTS, OFF, ReasoningSwitch, Variables
from antiphon.models.template_abilities import ReasoningReplay
from antiphon.models.template_probe import (
    ANSWER,
    CITY,
    QUESTION,
    SECOND_QUESTION,
    THOUGHT,
    TOOLS,
    Message,
    TemplateProbe,
    thinking_parts,
)

SWITCHES: tuple[tuple[Variables, Variables], ...] = (  # on, off
    ({"enable_thinking": True}, {"enable_thinking": False}),
    ({"thinking": True}, {"thinking": False}),
    ({"thinking_mode": "enabled"}, {"thinking_mode": "disabled"}),
    ({"thinking_option": "on"}, {"thinking_option": "off"}),
    ({}, {"thinking_budget": 0}),
)
LEVELS = ("reasoning_effort", "thinking_effort", "reasoning_strength")
WORDS_FOR_OFF = (OFF, "no_think")
FLAGS = {"low": "low_effort", "medium": "medium_effort"}
UNKNOWN_LEVEL = "wallaby"
# A template that writes down any word was trained with these; a model knows the others by chance.
USUAL_EFFORTS = ("low", "medium", "high")
UNUSUAL_EFFORTS = frozenset(EFFORTS) - {OFF, *USUAL_EFFORTS}
THINKING_WORD = re.compile(r"think|thought|reason", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Levels:
    """settings: what one level variable can say. ignores_others: other words change nothing."""

    settings: dict[str, Variables]
    ignores_others: bool


def probe_reasoning(probe: TemplateProbe, form: CallForm) -> ReasoningSwitch:
    settings = _switch(probe, form)
    on = ReasoningSwitch(settings).thinking
    levels = _levels(probe, on)
    return ReasoningSwitch(settings if levels is None else _with_levels(settings, levels))


def _switch(probe: TemplateProbe, form: CallForm) -> dict[str, Variables]:
    """The settings as far as on and off go."""
    for on, off in SWITCHES:
        if "" != _ask(probe, on) != _ask(probe, off) != "":
            return {OFF: off} | _always(on)
    return _always({}) if knows_reasoning(probe, form) else {OFF: {}}


def _always(on: Variables) -> dict[str, Variables]:
    return {effort: on for effort in EFFORTS if effort != OFF}


def _levels(probe: TemplateProbe, on: Variables) -> _Levels | None:
    plain = _ask(probe, on)
    for name in LEVELS:
        unknown = _ask(probe, {**on, name: UNKNOWN_LEVEL})
        if UNKNOWN_LEVEL in unknown:
            return _Levels({word: {**on, name: word} for word in USUAL_EFFORTS}, False)
        words = {OFF: WORDS_FOR_OFF} | {effort: (effort,) for effort in EFFORTS[1:]}
        known: dict[str, Variables] = {
            effort: {**on, name: word}
            for effort, alternatives in words.items()
            for word in alternatives
            if _ask(probe, {**on, name: word}) not in ("", unknown)
        }
        if known:
            return _Levels(known, unknown == plain)
    flags: dict[str, Variables] = {
        effort: {**on, name: True}
        for effort, name in FLAGS.items()
        if _ask(probe, {**on, name: True}) not in ("", plain)
    }
    return _Levels(flags, True) if flags else None


def _with_levels(settings: dict[str, Variables], levels: _Levels) -> dict[str, Variables]:
    off = {OFF: settings[OFF]} if OFF in settings else {}
    kept = settings if levels.ignores_others else {}
    if levels.settings.keys() - {OFF}:
        kept = {effort: on for effort, on in kept.items() if effort not in UNUSUAL_EFFORTS}
    merged = kept | levels.settings | off
    return {effort: merged[effort] for effort in EFFORTS if effort in merged}


def _ask(probe: TemplateProbe, variables: Variables) -> str:
    return probe.render([probe.message("user", QUESTION)], **variables)


def probe_replay(
    probe: TemplateProbe, form: CallForm, variables: Variables
) -> tuple[ReasoningReplay, bool]:
    """Which past reasoning is shown, and whether only as a part of the content."""
    for in_parts, replay in product((False, True), (ReasoningReplay.ALL, ReasoningReplay.LOOP)):
        messages = _past_turn(probe, form, replay, in_parts)
        if probe.shows(messages, THOUGHT, tools=TOOLS, **variables):
            return replay, in_parts
    return ReasoningReplay.NEVER, False


def _past_turn(
    probe: TemplateProbe, form: CallForm, replay: ReasoningReplay, in_parts: bool
) -> list[Message]:
    thought = {"content": thinking_parts()} if in_parts else {"reasoning": THOUGHT}
    if replay is ReasoningReplay.LOOP:
        return tool_loop(probe, form.turn({"city": CITY}, **thought))
    turn = probe.message("assistant", ANSWER) | thought
    return [
        probe.message("user", QUESTION), turn, probe.message("user", SECOND_QUESTION)
    ]  # fmt: skip


def knows_reasoning(probe: TemplateProbe, form: CallForm) -> bool:
    """Whether prompts open it, mark its place, show it again, or cut it out of an answer."""
    return (
        _marks_thinking(probe)
        or probe_replay(probe, form, {})[0] is not ReasoningReplay.NEVER
        or _cuts_thinking(probe)
    )


def _marks_thinking(probe: TemplateProbe) -> bool:
    question, answer = probe.message("user", QUESTION), probe.message("assistant", ANSWER)
    opening = probe.render([question]).rpartition(QUESTION)[2]
    past = probe.render([question, answer], add_generation_prompt=False).rpartition(QUESTION)[2]
    return THINKING_WORD.search(opening + past) is not None


def _cuts_thinking(probe: TemplateProbe) -> bool:
    answer = probe.message("assistant", f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}")
    second = probe.message("user", SECOND_QUESTION)
    prompt = probe.render([probe.message("user", QUESTION), answer, second])
    return ANSWER in prompt and THOUGHT not in prompt
