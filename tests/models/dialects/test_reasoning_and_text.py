"""Thinking, text and calls told apart: what every dialect has in common."""

import pytest

from antiphon.models.dialects.output import ParsedCall, ParsedOutput
from antiphon.models.dialects.parser import DialectParser
from antiphon.models.dialects.registry import dialect_named
from antiphon.models.dialects.segments import (
    ArgumentsDelta,
    CallFinished,
    CallStarted,
    ReasoningDelta,
    TextDelta,
)
from antiphon.models.dialects.tool_types import ToolTypes
from tests.models.dialects.feeding import joined, parsed, pieces_of, segments_of

CALL = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'
F = ParsedCall("f", '{"a": 1}')


def test_thinking_text_and_calls_come_in_their_order() -> None:
    raw = f"<think>\nHm.\n</think>\n\nSo:\n{CALL}\nDone."
    assert joined(segments_of("qwen3", [raw])) == [
        ReasoningDelta("Hm."),
        TextDelta("So:", raw.index("So:")),
        CallStarted(0, "f"),
        ArgumentsDelta(0, '{"a": 1}'),
        CallFinished(0),
        TextDelta("\nDone.", raw.index("\nDone.")),
    ]


def test_thinking_that_the_prompt_opened_needs_no_tag() -> None:
    output = parsed("qwen3", "Hm.\n</think>\n\nHello.", opens_reasoning=True)
    assert (output.reasoning, output.text) == ("Hm.", "Hello.")


def test_a_model_may_open_again_what_the_prompt_opened() -> None:
    output = parsed("qwen3", "<think>\nHm.</think>Hello.", opens_reasoning=True)
    assert (output.reasoning, output.text) == ("Hm.", "Hello.")


def test_an_empty_pair_is_no_thinking_and_ends_nothing_else() -> None:
    output = parsed("qwen3", "<think>\n\n</think>\n\nHello <think>Hm.</think> you.")
    assert (output.reasoning, output.text) == ("Hm.", "Hello  you.")


def test_thinking_that_never_ends_is_thinking() -> None:
    output = parsed("qwen3", "Hm, so", opens_reasoning=True, is_cut_off=True)
    assert (output.reasoning, output.text) == ("Hm, so", "")


def test_a_stray_closing_tag_is_dropped() -> None:
    assert parsed("qwen3", "Hello</think> you</tool_call>.").text == "Hello you."


def test_a_call_inside_thinking_with_nothing_behind_it_ends_the_thinking() -> None:
    output = parsed("qwen3", f"<think>I will call.\n{CALL}<|im_end|>")
    assert (output.reasoning, output.calls) == ("I will call.", (F,))


def test_calls_inside_thinking_that_follow_each_other_end_it_together() -> None:
    output = parsed("qwen3", f"Hm.\n{CALL}\n{CALL}", opens_reasoning=True)
    assert (output.reasoning, output.calls) == ("Hm.", (F, F))


def test_a_draft_of_a_call_stays_thinking() -> None:
    output = parsed("qwen3", f"<think>Maybe {CALL} or not.</think>No.")
    assert output.reasoning == f"Maybe {CALL} or not."
    assert (output.text, output.calls) == ("No.", ())


@pytest.mark.parametrize("tag", ["</think>", "<tool_call>", "</tool_call>"])
def test_half_a_tag_at_the_end_is_text(tag: str) -> None:
    for length in range(1, len(tag)):
        assert parsed("qwen3", f"a < b {tag[:length]}", is_cut_off=True).text.endswith(tag[:length])


def test_a_marker_is_found_wherever_it_is_cut() -> None:
    raw = f"one{CALL}two"
    whole = joined(segments_of("qwen3", [raw]))
    for cut in range(len(raw)):
        assert joined(segments_of("qwen3", [raw[:cut], raw[cut:]])) == whole


def test_texts_know_where_they_stood() -> None:
    raw = f"<think>Hm.</think>one {CALL} two"
    texts = [piece for piece in segments_of("qwen3", [raw]) if isinstance(piece, TextDelta)]
    assert [raw[text.offset :][:3] for text in texts] == ["one", " tw"]


def test_calls_are_counted_and_keep_the_ids_that_the_model_wrote() -> None:
    raw = (
        "<|tool_call_begin|>functions.f:7<|tool_call_argument_begin|>{}<|tool_call_end|>"
        "<|tool_call_begin|>functions.f:8<|tool_call_argument_begin|>{}<|tool_call_end|>"
    )
    started = [piece for piece in segments_of("kimi_k2", [raw]) if isinstance(piece, CallStarted)]
    assert started == [CallStarted(0, "f", "functions.f:7"), CallStarted(1, "f", "functions.f:8")]


def test_a_finished_call_survives_the_cut_behind_it() -> None:
    output = parsed("qwen3", f'{CALL}\n<tool_call>\n{{"name": "g", "argu', is_cut_off=True)
    assert (output.calls, output.text) == ((F,), "")
    assert output.incomplete_calls == (ParsedCall("g", ""),)


def test_a_call_cut_off_before_its_name_is_nothing() -> None:
    output = parsed("qwen3", 'Wait.\n<tool_call>\n{"na', is_cut_off=True)
    assert (output.text, output.calls, output.incomplete_calls) == ("Wait.", (), ())


def test_a_call_starts_as_soon_as_its_name_is_known() -> None:
    segments = segments_of("qwen3", ['<tool_call>\n{"name": "f", "arguments": {"a'])
    assert segments[0] == CallStarted(0, "f")
    assert not any(isinstance(segment, CallFinished) for segment in segments)


def test_what_is_no_call_comes_back_as_text() -> None:
    raw = "<tool_call>not a call</tool_call> at all"
    assert parsed("qwen3", raw).text == raw


def test_tags_around_the_answer_are_dropped() -> None:
    raw = "<think>Hm.</think>\n<answer>\nHello.\n</answer>"
    output = parsed("hunyuan_a13b", raw)
    assert (output.reasoning, output.text) == ("Hm.", "Hello.")


def test_without_tools_calls_are_text() -> None:
    output = parsed(dialect_named("qwen3").without_calls(), f"<think>Hm.</think>{CALL}")
    assert (output.reasoning, output.text, output.calls) == ("Hm.", CALL, ())


@pytest.mark.parametrize("has_tools", [True, False])
def test_no_marker_counts_inside_a_demanded_json_text(has_tools: bool) -> None:
    answer = '{"a": "<tool_call> <think> </think>", "b": ["\\"</tool_call>"]}'
    raw = f"<think>\nhm\n</think>\n\n{answer}"
    tools = ToolTypes.from_schemas({"f": {}}) if has_tools else None
    for length in (1, 3, len(raw)):
        parser = DialectParser(dialect_named("qwen3"), tools, text_is_json=True)
        segments = [part for piece in pieces_of(raw, length) for part in parser.feed(piece)]
        output = ParsedOutput.of(segments + parser.finish(is_cut_off=False))
        assert (output.reasoning, output.text, output.calls) == ("hm", answer, ())


def test_a_call_in_place_of_a_demanded_json_text_is_a_call() -> None:
    raw = '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'
    for dialect, call in (("qwen3", raw), ("mistral_v3", '[TOOL_CALLS][{"name": "f"}]')):
        tools = ToolTypes.from_schemas({"f": {}})
        parser = DialectParser(dialect_named(dialect), tools, text_is_json=True)
        output = ParsedOutput.of(parser.feed(call) + parser.finish(is_cut_off=False))
        assert (output.text, output.calls) == ("", (("f", "{}"),))
