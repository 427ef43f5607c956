"""`antiphon parse`: what a dialect's parser makes of raw output, for whoever misses a call.

JSON lines in, one JSON line out for each.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

import msgspec
import typer

from antiphon.models.dialects.output import ParsedOutput
from antiphon.models.dialects.parser import DialectParser
from antiphon.models.dialects.registry import dialect_named
from antiphon.models.dialects.segments import (
    ArgumentsDelta,
    CallFinished,
    CallIncomplete,
    CallStarted,
    Citation,
    ReasoningDelta,
    RefusalDelta,
    Segment,
    TextDelta,
)
from antiphon.models.dialects.tool_types import ToolTypes
from antiphon.models.errors import UnknownDialect
from antiphon.server.exit_code import ExitCode

EVENT_NAMES = {
    ReasoningDelta: "reasoning_delta",
    TextDelta: "text_delta",
    RefusalDelta: "refusal_delta",
    Citation: "citation",
    CallStarted: "call_started",
    ArgumentsDelta: "arguments_delta",
    CallFinished: "call_finished",
    CallIncomplete: "call_incomplete",
}
PieceLength = Annotated[int, msgspec.Meta(ge=1)]


class RawOutput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of input.

    tools  tool name -> its parameters, as a JSON schema or as {parameter: type}.
    split  how the text is fed: at once, by characters, or in pieces of so many of them.
    """

    dialect: str
    raw: str
    prompt_opens_reasoning: bool = False
    finish: Literal["stop", "length"] = "stop"
    tools: Mapping[str, Any] | None = None
    split: Literal["whole", "chars"] | PieceLength = "whole"

    def pieces(self) -> Iterator[str]:
        length = {"whole": max(len(self.raw), 1), "chars": 1}.get(str(self.split), self.split)
        assert isinstance(length, int)
        for start in range(0, len(self.raw), length):
            yield self.raw[start : start + length]


def parse(
    events: Annotated[
        bool, typer.Option("--events", help="Also write every event, as the parser gave it.")
    ] = False,
) -> int:
    """Read JSON lines {"dialect", "raw", ...} from stdin; write what each is made of."""
    code = ExitCode.OK
    for line in sys.stdin.buffer:
        if not line.strip():
            continue
        answer = _answer(line, shows_events=events)
        if "error" in answer:
            code = ExitCode.FAILED
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()
    return code


def _answer(line: bytes, *, shows_events: bool) -> dict[str, Any]:
    """A line that makes no sense is answered like the others, so that the answers stay in step."""
    try:
        output = msgspec.json.decode(line, type=RawOutput)
        segments = _segments(output)
    except (msgspec.MsgspecError, UnicodeDecodeError, UnknownDialect) as error:
        return {"error": str(error)}
    parsed = ParsedOutput.of(segments)
    answer = {
        "reasoning": parsed.reasoning,
        "text": parsed.text,
        "calls": [_call(call) for call in parsed.calls],
        "complete": output.finish == "stop",
    }
    if parsed.incomplete_calls:
        answer["incomplete_calls"] = [_call(call) for call in parsed.incomplete_calls]
    if shows_events:
        answer["events"] = [_event(segment) for segment in segments]
    return answer


def _segments(output: RawOutput) -> list[Segment]:
    parser = DialectParser(
        dialect_named(output.dialect),
        None if output.tools is None else ToolTypes.from_schemas(output.tools),
        opens_reasoning=output.prompt_opens_reasoning,
    )
    segments = [segment for piece in output.pieces() for segment in parser.feed(piece)]
    return segments + parser.finish(is_cut_off=output.finish == "length")


def _call(call: tuple[str, str]) -> dict[str, str]:
    name, arguments = call
    return {"name": name, "arguments": arguments}


def _event(segment: Segment) -> dict[str, Any]:
    return {"type": EVENT_NAMES[type(segment)], **asdict(segment)}
