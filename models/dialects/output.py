"""A whole output, put together from its segments."""

from collections.abc import Iterable
from typing import NamedTuple

from antiphon.models.dialects.segments import (
    ArgumentsDelta,
    CallFinished,
    CallIncomplete,
    CallStarted,
    ReasoningDelta,
    Segment,
    TextDelta,
)


class ParsedCall(NamedTuple):
    """arguments is JSON text; of an incomplete call, as much of it as came."""

    name: str
    arguments: str


class ParsedOutput(NamedTuple):
    """What a model wrote, sorted."""

    reasoning: str
    text: str
    calls: tuple[ParsedCall, ...]
    incomplete_calls: tuple[ParsedCall, ...]

    @classmethod
    def of(cls, segments: Iterable[Segment]) -> "ParsedOutput":
        reasoning: list[str] = []
        text: list[str] = []
        finished: list[ParsedCall] = []
        incomplete: list[ParsedCall] = []
        name, arguments = "", ""
        for segment in segments:
            match segment:
                case ReasoningDelta():
                    reasoning.append(segment.text)
                case TextDelta():
                    text.append(segment.text)
                case CallStarted():
                    name, arguments = segment.name, ""
                case ArgumentsDelta():
                    arguments += segment.json_text
                case CallFinished():
                    finished.append(ParsedCall(name, arguments))
                case CallIncomplete():
                    incomplete.append(ParsedCall(name, arguments))
        return cls("".join(reasoning), "".join(text), tuple(finished), tuple(incomplete))
