"""A turn of calls as a chat template writes it: what the model itself would have generated."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from antiphon.models.call_probe import CallForm
from antiphon.models.reasoning_switch import Variables
from antiphon.models.template_abilities import TemplateAbilities
from antiphon.models.template_probe import (
    ANSWER,
    ARGUMENTS,
    BARE_TOOL_NAME,
    CITY,
    QUESTION,
    THOUGHT,
    TOOL_NAME,
    TOOLS,
    Message,
    TemplateProbe,
    thinking_parts,
)

Call = tuple[str, Mapping[str, Any]]

SENT: tuple[Call, ...] = ((TOOL_NAME, ARGUMENTS), (BARE_TOOL_NAME, {}))
# Two texts are compared by these, so that a shared "<t" is not cut off <think> and <tool_call>.
PIECE = re.compile(r"<[^<>\n]*>|\[[^\[\]\n]*\]|\w+|\s+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ProbeTurn:
    """prompt: up to where the model would go on. generated: what it would have written."""

    prompt: str
    generated: str
    calls: tuple[Call, ...]
    has_reasoning: bool


def write_probe_turn(probe: TemplateProbe, abilities: TemplateAbilities) -> ProbeTurn | None:
    """The turn that shows most; None when the template shows no calls."""
    if not abilities.tool_calls:
        return None
    turns = list(_probe_turns(probe, abilities))
    return max(turns, key=lambda turn: (len(turn.calls), turn.has_reasoning), default=None)


def _probe_turns(probe: TemplateProbe, abilities: TemplateAbilities) -> Iterator[ProbeTurn]:
    form = CallForm(abilities.arguments, abilities.call_content)
    in_parts = abilities.reasoning_parts
    thought: Message = {"content": thinking_parts()} if in_parts else {"reasoning": THOUGHT}
    for calls, fields, variables in product(
        (SENT, SENT[:1]), (thought, {}), ({}, abilities.reasoning.thinking)
    ):
        turn = form.turn(*(arguments for _, arguments in calls), **fields)
        prompt, generated = _split(probe, turn, variables)
        if _shows(generated, calls):
            yield ProbeTurn(prompt, generated, calls, THOUGHT in generated)


def _shows(generated: str, calls: tuple[Call, ...]) -> bool:
    return CITY in generated and all(name in generated for name, _ in calls)


def _split(probe: TemplateProbe, turn: Message, variables: Variables) -> tuple[str, str]:
    """The prompt as far as it goes with the turn, and the turn without its end."""
    question = [probe.message("user", QUESTION)]
    answered = [*question, probe.message("assistant", ANSWER)]
    asked = probe.render(question, tools=TOOLS, **variables)
    unasked = probe.render(question, tools=TOOLS, add_generation_prompt=False, **variables)
    whole = probe.render([*question, turn], tools=TOOLS, add_generation_prompt=False, **variables)
    short = probe.render(answered, tools=TOOLS, add_generation_prompt=False, **variables)
    if asked == unasked:  # some templates write a generation prompt behind every turn
        next_turn = asked.rpartition(QUESTION)[2]
        whole, short = whole.removesuffix(next_turn), short.removesuffix(next_turn)
    whole = _without_end(whole, short)
    shared = _num_shared(asked, whole)
    return whole[:shared], whole[shared:]


def _num_shared(left: str, right: str) -> int:
    """How many characters of whole pieces both begin with."""
    shared = 0
    for one, other in zip(PIECE.findall(left), PIECE.findall(right), strict=False):
        if one != other:
            break
        shared += len(one)
    return shared


def _without_end(whole: str, short: str) -> str:
    """Without what ends every turn, as it ends one of text only: at least its last token."""
    end = short.rpartition(ANSWER)[2]
    if whole.endswith(end):
        return whole.removesuffix(end)
    pieces, others = PIECE.findall(whole.rstrip()), PIECE.findall(short.rstrip())
    if pieces and others and pieces[-1] == others[-1] != ANSWER:
        return "".join(pieces[:-1])
    return whole
