"""A probe turn written by a chat template and read back with a dialect.

The template is what the model was trained on, so the dialect that reads back what was sent is the
model's own. Models may deviate from their templates; that is the dialects' business.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from antiphon.models.dialects.dialect import Dialect
from antiphon.models.dialects.parser import DialectParser
from antiphon.models.dialects.segments import (
    ArgumentsDelta,
    CallIncomplete,
    CallStarted,
    ReasoningDelta,
    Segment,
    TextDelta,
)
from antiphon.models.dialects.start_state import opens_reasoning
from antiphon.models.dialects.tool_types import ToolTypes
from antiphon.models.probe_turn import Call, ProbeTurn
from antiphon.models.template_probe import (
    BARE_TOOL_NAME,
    NO_PARAMETERS,
    PARAMETERS,
    THOUGHT,
    TOOL_NAME,
)

TYPES = ToolTypes.from_schemas({TOOL_NAME: PARAMETERS, BARE_TOOL_NAME: NO_PARAMETERS})


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What a dialect made of a probe turn whose calls it gave back as they were."""

    num_calls: int
    reasoning: bool
    num_text_characters: int

    def __str__(self) -> str:
        calls = "1 call" if self.num_calls == 1 else f"{self.num_calls} calls"
        return f"{calls} and the reasoning came back" if self.reasoning else f"{calls} came back"


def read_back(turn: ProbeTurn, dialect: Dialect) -> ReadBack | None:
    """None when the calls are not exactly those that were sent."""
    segments = _parse(turn, dialect)
    if any(isinstance(segment, CallIncomplete) for segment in segments):
        return None
    if list(map(_canonical, _calls(segments))) != list(map(_canonical, turn.calls)):
        return None
    text = "".join(segment.text for segment in segments if isinstance(segment, TextDelta))
    reasoning = "".join(segment.text for segment in segments if isinstance(segment, ReasoningDelta))
    return ReadBack(len(turn.calls), reasoning.strip() == THOUGHT, len(text.strip()))


def _parse(turn: ProbeTurn, dialect: Dialect) -> list[Segment]:
    is_thinking = opens_reasoning(dialect, turn.prompt)
    parser = DialectParser(dialect, TYPES, opens_reasoning=is_thinking)
    return parser.feed(turn.generated) + parser.finish(is_cut_off=False)


def _calls(segments: list[Segment]) -> Iterator[Call]:
    for started in (segment for segment in segments if isinstance(segment, CallStarted)):
        arguments = "".join(
            segment.json_text
            for segment in segments
            if isinstance(segment, ArgumentsDelta) and segment.index == started.index
        )
        yield started.name, json.loads(arguments)


def _canonical(call: Call) -> str:
    """Some templates sort a call's arguments."""
    return json.dumps(call, sort_keys=True)
