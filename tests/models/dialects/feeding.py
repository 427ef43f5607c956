"""Raw output fed to a parser, cut into pieces in one way or another."""

from collections.abc import Sequence

from antiphon.models.dialects.dialect import Dialect
from antiphon.models.dialects.output import ParsedOutput
from antiphon.models.dialects.parser import DialectParser
from antiphon.models.dialects.registry import dialect_named
from antiphon.models.dialects.segments import (
    ArgumentsDelta,
    ReasoningDelta,
    Segment,
    TextDelta,
)
from antiphon.models.dialects.tool_types import ToolTypes


def pieces_of(raw: str, length: int) -> list[str]:
    return [raw[start : start + length] for start in range(0, len(raw), length)]


def segments_of(
    dialect: Dialect | str,
    pieces: Sequence[str],
    tools: ToolTypes | None = None,
    *,
    opens_reasoning: bool = False,
    is_cut_off: bool = False,
) -> list[Segment]:
    known = dialect_named(dialect) if isinstance(dialect, str) else dialect
    parser = DialectParser(known, tools, opens_reasoning=opens_reasoning)
    segments = [segment for piece in pieces for segment in parser.feed(piece)]
    return segments + parser.finish(is_cut_off=is_cut_off)


def joined(segments: Sequence[Segment]) -> list[Segment]:
    """Neighbouring deltas as one: what does not depend on how the text was cut."""
    result: list[Segment] = []
    for segment in segments:
        last = result[-1] if result else None
        match last, segment:
            case TextDelta(), TextDelta() if _goes_on(last, segment):
                result[-1] = TextDelta(last.text + segment.text, last.offset, last.phase)
            case ReasoningDelta(), ReasoningDelta():
                result[-1] = ReasoningDelta(last.text + segment.text)
            case ArgumentsDelta(), ArgumentsDelta() if last.index == segment.index:
                result[-1] = ArgumentsDelta(last.index, last.json_text + segment.json_text)
            case _:
                result.append(segment)
    return result


def _goes_on(last: TextDelta, delta: TextDelta) -> bool:
    return last.offset + len(last.text) == delta.offset and last.phase == delta.phase


def parsed(
    dialect: Dialect | str,
    raw: str,
    tools: ToolTypes | None = None,
    *,
    opens_reasoning: bool = False,
    is_cut_off: bool = False,
) -> ParsedOutput:
    """The output, fed character by character, and the same when it comes all at once."""
    ways = [
        segments_of(dialect, pieces, tools, opens_reasoning=opens_reasoning, is_cut_off=is_cut_off)
        for pieces in (list(raw), [raw])
    ]
    assert joined(ways[0]) == joined(ways[1])
    return ParsedOutput.of(ways[0])
