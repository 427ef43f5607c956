"""What holds for any output in any dialect, however it is cut into pieces."""

import json
from itertools import pairwise

import regex
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from antiphon.models.dialects.dialect import Dialect
from antiphon.models.dialects.parser import DialectParser
from antiphon.models.dialects.registry import DIALECTS
from antiphon.models.dialects.segments import (
    ArgumentsDelta,
    CallFinished,
    CallIncomplete,
    CallStarted,
    ReasoningDelta,
    Segment,
    TextDelta,
)
from antiphon.models.dialects.tool_types import ToolTypes
from tests.models.dialects.feeding import joined, segments_of

TOOLS = ToolTypes.from_schemas(
    {
        "f": {
            "type": "object",
            "properties": {
                "a": {"type": "string"},
                "b": {"type": "integer"},
                "c": {"type": ["object", "string"]},
            },
        },
        "g": {"x": "array"},
    }
)
FRAGMENTS = (
    *('{"name": "f", "arguments": {"a": "x"}}', '{"name":"g","parameters":{}}', '{"a": 1}'),
    *('f(a="x", b=2)', "[f(a=1)]", "call:f{a:1}", "functions.f:0", "f", "x=", '"a": ', "null"),
    *("\n", "\n\n\n", "  ", '"', "'", "\\", "\\u00", "}", "]", "{", "[", "(", ")", ",", ";", ":"),
    *("<", "</", "<|", "</tool", "<tool_", "<tool_call>", "</think>", "<think>", "[", "hello "),
)
OUTPUTS = settings(max_examples=400, deadline=None)


def own_fragments(dialect: Dialect) -> tuple[str, ...]:
    spelling = dialect.spelling
    written = (spelling.begin, spelling.end, spelling.first, spelling.last)
    parameter = spelling.parameter.replace("{type}", "string").replace("{string}", "true")
    filled = [text.replace("{name}", "f").replace("{index}", "0") for text in written]
    filled += [parameter.replace("{key}", key) for key in "ab"]
    return tuple(
        text for text in (*sorted(dialect.markers), *filled, spelling.parameter_end) if text
    )


@st.composite
def outputs(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A dialect's id, and what a model may have written, in fragments."""
    dialect_id = draw(st.sampled_from(sorted(DIALECTS)))
    own = st.sampled_from(own_fragments(DIALECTS[dialect_id]))
    noise = st.binary(max_size=6).map(lambda data: data.decode("latin-1"))
    fragment = st.one_of(own, own, st.sampled_from(FRAGMENTS), noise, st.text(max_size=6))
    return dialect_id, draw(st.lists(fragment, max_size=14))


@st.composite
def cuts(draw: st.DrawFn, text: str) -> list[str]:
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return [text[start:end] for start, end in pairwise([0, *places, len(text)])]


@given(outputs(), st.booleans(), st.booleans(), st.booleans(), st.data())
@OUTPUTS
def test_any_split_gives_the_same_segments(
    output: tuple[str, list[str]],
    opens_reasoning: bool,
    is_cut_off: bool,
    has_tools: bool,
    data: st.DataObject,
) -> None:
    dialect_id, fragments = output
    raw = "".join(fragments)
    whole, *others = (
        segments_of(
            dialect_id,
            pieces,
            TOOLS if has_tools else None,
            opens_reasoning=opens_reasoning,
            is_cut_off=is_cut_off,
        )
        for pieces in ([raw], list(raw), fragments, data.draw(cuts(raw)))
    )
    assert all(joined(other) == joined(whole) for other in others)


@given(outputs(), st.booleans(), st.booleans())
@OUTPUTS
def test_segments_keep_to_their_order_and_texts_to_their_places(
    output: tuple[str, list[str]], opens_reasoning: bool, is_cut_off: bool
) -> None:
    dialect_id, fragments = output
    segments = segments_of(
        dialect_id, fragments, TOOLS, opens_reasoning=opens_reasoning, is_cut_off=is_cut_off
    )
    check_order(segments)
    raw = "".join(fragments)
    texts = [segment for segment in segments if isinstance(segment, TextDelta)]
    assert all(text.text and raw.startswith(text.text, text.offset) for text in texts)
    ends = [text.offset + len(text.text) for text in texts]
    assert all(end <= later.offset for end, later in zip(ends, texts[1:], strict=False))


def check_order(segments: list[Segment]) -> None:
    num_calls, open_call, arguments = 0, None, ""
    for segment in segments:
        match segment:
            case CallStarted(index, name):
                assert (index, open_call) == (num_calls, None)
                assert name
                open_call, arguments = index, ""
            case ArgumentsDelta(index, json_text):
                assert index == open_call
                arguments += json_text
            case CallFinished(index) | CallIncomplete(index):
                assert index == open_call
                is_finished = isinstance(segment, CallFinished)
                assert not is_finished or isinstance(json.loads(arguments), dict)
                num_calls, open_call = num_calls + 1, None
            case _:
                assert open_call is None
    assert open_call is None


@given(
    st.sampled_from(sorted(DIALECTS)),
    st.one_of(st.text(), st.binary().map(lambda data: data.decode("latin-1"))),
    st.booleans(),
    st.booleans(),
)
@OUTPUTS
def test_a_text_without_markers_loses_nothing_that_can_be_seen(
    dialect_id: str, raw: str, opens_reasoning: bool, is_cut_off: bool
) -> None:
    dialect = DIALECTS[dialect_id]
    assume(not any(marker in raw for marker in (*dialect.markers, *dialect.stops)))
    # A message of harmony that ends before its body has not said anything yet.
    assume(dialect_id != "gpt_oss" or opens_reasoning or not is_cut_off)
    segments = segments_of(
        dialect_id, [raw], opens_reasoning=opens_reasoning, is_cut_off=is_cut_off
    )
    shown = "".join(
        segment.text for segment in segments if isinstance(segment, TextDelta | ReasoningDelta)
    )
    assert visible(shown) == visible(raw)


def visible(text: str) -> str:
    return regex.sub(r"\s", "", text)


@given(outputs())
@settings(max_examples=200, deadline=None)
def test_nothing_comes_after_the_end(output: tuple[str, list[str]]) -> None:
    dialect_id, fragments = output
    parser = DialectParser(DIALECTS[dialect_id], TOOLS)
    parser.feed("".join(fragments))
    parser.finish(is_cut_off=False)
    assert parser.feed("") == []
    assert parser.finish(is_cut_off=False) == []
