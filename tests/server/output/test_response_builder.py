"""The builder on its own: order, ids, indexes, numbers, and events that never change."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.engine.sampling_params import SamplingParams
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
from antiphon.server.error_table import failure_payload
from antiphon.server.output.item_writers.item_place import ItemPlace
from antiphon.server.output.item_writers.message_writer import MessageWriter
from antiphon.server.output.response_builder import ResponseBuilder
from antiphon.server.protocol.events import ResponseOutputItemDoneStreamingEvent, StreamingEvent
from antiphon.server.protocol.input_items import CustomToolCallParam, FunctionCallParam
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.protocol.response import InputTokensDetails, OutputTokensDetails, Usage
from antiphon.server.seal import REASONING
from antiphon.server.tool_menu import tool_menu
from tests.serving import SEAL, CountingIds, StandingClock
from tests.stream_rules import check_stream

USAGE = Usage(
    input_tokens=2,
    input_tokens_details=InputTokensDetails(cached_tokens=0),
    output_tokens=3,
    output_tokens_details=OutputTokensDetails(),
    total_tokens=5,
)
CUSTOM_TOOL = {"type": "custom", "name": "patch"}


def make_builder(**fields: object) -> ResponseBuilder:
    body = CreateResponseBody.model_validate(fields)
    calls = (FunctionCallParam, CustomToolCallParam)
    items = body.input if isinstance(body.input, list) else []
    return ResponseBuilder(
        body,
        SamplingParams(),
        tool_menu(body),
        model="tiny",
        ids=CountingIds(),
        clock=StandingClock(),
        seal=SEAL,
        call_ids=[item.call_id for item in items if isinstance(item, calls)],
    )


def written(builder: ResponseBuilder, segments: Sequence[Segment]) -> list[StreamingEvent]:
    return builder.segments(segments)


def text(*pieces: str) -> list[Segment]:
    return [TextDelta(piece, 0) for piece in pieces]


def call(index: int, name: str, *arguments: str, native_id: str | None = None) -> list[Segment]:
    deltas = [ArgumentsDelta(index, piece) for piece in arguments]
    return [CallStarted(index, name, native_id), *deltas, CallFinished(index)]


def respond(segments: Sequence[Segment], **fields: object) -> dict[str, Any]:
    """The finished response, after all rules of a stream were checked."""
    builder = make_builder(**fields)
    events = [*builder.start(), *written(builder, segments), *builder.complete(USAGE)]
    return folded(events)


def folded(events: Sequence[StreamingEvent]) -> dict[str, Any]:
    dumped = [event.model_dump(mode="json") for event in events]
    check_stream(dumped)
    response: dict[str, Any] = dumped[-1]["response"]
    return response


def contents(response: dict[str, Any]) -> list[str]:
    """Each item in one word."""
    return [
        item["content"][0]["text"] if "content" in item else f"{item['type']}:{item['name']}"
        for item in response["output"]
    ]


def test_event_stays_as_it_was_while_the_response_goes_on() -> None:
    builder = make_builder(metadata={"a": "b"})
    events: list[StreamingEvent] = []
    texts: list[str] = []
    for step in (
        builder.start(),
        written(builder, text("Hello")),
        written(builder, text(" world")),
        builder.complete(USAGE),
    ):
        events += step
        texts += [event.model_dump_json() for event in step]
    assert [event.model_dump_json() for event in events] == texts
    check_stream([event.model_dump(mode="json") for event in events])


def test_empty_text_is_no_event_and_opens_no_item() -> None:
    builder = make_builder()
    builder.start()
    assert written(builder, [TextDelta("", 0), ReasoningDelta("")]) == []
    assert [event.type for event in written(builder, text("a", ""))] == [
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
    ]


def test_failure_closes_the_open_item_first() -> None:
    builder = make_builder()
    events = [*builder.start(), *written(builder, text("Hel"))]
    events += builder.fail(failure_payload(ZeroDivisionError()), USAGE)
    folded(events)
    assert [event.type for event in events[-3:]] == [
        "response.output_item.done",
        "error",
        "response.failed",
    ]


def test_reasoning_text_and_calls_are_items_in_their_order() -> None:
    response = respond(
        [
            ReasoningDelta("I should "),
            ReasoningDelta("look."),
            *text("Let me see."),
            *call(0, "search", '{"q": ', '"a"}'),
            *call(1, "search", "{}"),
            *text("Done."),
        ]
    )
    kinds = [item["type"] for item in response["output"]]
    assert kinds == ["reasoning", "message", "function_call", "function_call", "message"]
    assert response["output"][0]["content"] == [
        {"type": "reasoning_text", "text": "I should look."}
    ]
    assert response["output"][2]["arguments"] == '{"q": "a"}'
    assert "encrypted_content" not in response["output"][0]


def test_white_space_around_calls_and_reasoning_opens_no_item() -> None:
    response = respond(
        [
            *text("\n"),
            ReasoningDelta("\n"),
            ReasoningDelta("\nHm.\n"),
            *text("\n", "\n"),
            *call(0, "f", "{}"),
            *text("\n"),
            *call(1, "g", "{}"),
            *text("\n", " \nSo", ".\n"),
        ]
    )
    assert contents(response) == ["Hm.\n", "function_call:f", "function_call:g", "So.\n"]


def test_white_space_that_begins_the_response_is_its_own() -> None:
    assert contents(respond(text("\n", " a"))) == ["\n a"]
    assert contents(respond(text(" ", "\n"))) == [" \n"]
    assert contents(respond([])) == [""]


def test_thinking_of_white_space_alone_was_none() -> None:
    assert contents(respond([ReasoningDelta("\n\n"), *text("Hi")])) == ["Hi"]


def test_custom_call_is_the_text_within_its_arguments() -> None:
    response = respond(
        call(0, "patch", '{"inp', 'ut": "a\\', 'n\\"b', '"', "}"), tools=[CUSTOM_TOOL]
    )
    (item,) = response["output"]
    assert item["type"] == "custom_tool_call"
    assert item["input"] == 'a\n"b'
    assert item["id"].startswith("ctc_")
    assert item["call_id"].startswith("call_")


@pytest.mark.parametrize(
    ("native_ids", "call_ids"),
    [
        (["abcdefghi", "functions.f:1"], ["abcdefghi", "functions.f:1"]),
        (["0", "0"], ["0", "call_3"]),
        (["used", None], ["call_2", "call_4"]),
        (["with space", "x" * 65], ["call_2", "call_4"]),
    ],
)
def test_models_own_id_is_kept_where_it_is_usable_and_unique(
    native_ids: list[str | None], call_ids: list[str]
) -> None:
    used = {"type": "function_call", "call_id": "used", "name": "f", "arguments": "{}"}
    calls = [call(i, "f", "{}", native_id=native_id) for i, native_id in enumerate(native_ids)]
    output = respond([*calls[0], *calls[1]], input=[used])["output"]
    assert [item["call_id"] for item in output] == call_ids


def test_cut_off_call_is_incomplete_and_so_is_the_response() -> None:
    builder = make_builder()
    events = builder.start()
    events += written(builder, [*call(0, "f", "{}"), CallStarted(1, "g"), ArgumentsDelta(1, '{"a')])
    events += written(builder, [CallIncomplete(1)])
    response = folded([*events, *builder.cut_off(USAGE)])
    assert [item["status"] for item in response["output"]] == ["completed", "incomplete"]
    assert response["output"][1]["arguments"] == '{"a'
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}


def test_nothing_comes_behind_a_call_that_was_broken_off() -> None:
    builder = make_builder()
    events = builder.start()
    assert not builder.is_over
    events += written(
        builder, [CallStarted(0, "f"), ArgumentsDelta(0, '{"a'), CallIncomplete(0), *text("Oops.")]
    )
    assert builder.is_over
    response = folded([*events, *builder.complete(USAGE)])
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "incomplete_tool_call"}
    assert contents(response) == ["function_call:f"]


def test_running_out_of_tokens_between_items_leaves_them_completed() -> None:
    builder = make_builder()
    events = [*builder.start(), *written(builder, call(0, "f", "{}"))]
    response = folded([*events, *builder.cut_off(USAGE)])
    assert [item["status"] for item in response["output"]] == ["completed"]
    assert response["status"] == "incomplete"


def test_reasoning_is_sealed_where_that_was_asked_for() -> None:
    include = ["reasoning.encrypted_content"]
    response = respond([ReasoningDelta("Hm. 👋"), *text("Hi")], include=include)
    assert SEAL.open(REASONING, response["output"][0]["encrypted_content"]) == "Hm. 👋"


def test_request_is_echoed_with_nothing_left_out() -> None:
    fields = {
        "instructions": "Be brief.",
        "metadata": {"a": "b"},
        "tool_choice": "none",
        "parallel_tool_calls": False,
        "max_tool_calls": 2,
        "safety_identifier": "s",
        "prompt_cache_key": "p",
        "max_output_tokens": 7,
        "top_logprobs": 3,
    }
    (created, _) = make_builder(**fields, reasoning={"effort": "none"}).start()
    echoed = created.model_dump(mode="json")["response"]
    assert {name: echoed[name] for name in fields} == fields
    assert echoed["reasoning"] == {"effort": "none", "summary": None}
    assert (echoed["store"], echoed["background"], echoed["truncation"]) == (
        True,
        False,
        "disabled",
    )


def test_tools_choice_and_format_are_echoed_in_full() -> None:
    response = respond(
        text("Hi"),
        tools=[{"type": "function", "name": "f"}, CUSTOM_TOOL],
        tool_choice={"type": "allowed_tools", "tools": [{"type": "function", "name": "f"}]},
        text={"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
        reasoning={"summary": "auto"},
    )
    nothing = dict.fromkeys(("description", "parameters", "strict"))
    assert response["tools"] == [
        {"type": "function", "name": "f", **nothing},
        {**CUSTOM_TOOL, "description": None, "format": {"type": "text"}},
    ]
    assert response["tool_choice"] == {
        "type": "allowed_tools",
        "tools": [{"type": "function", "name": "f"}],
        "mode": "auto",
    }
    assert response["text"]["format"] == {
        "type": "json_schema",
        "name": "n",
        "description": None,
        "schema": None,
        "strict": False,
    }
    assert response["reasoning"] == {"effort": None, "summary": "auto"}


def test_writer_numbers_its_events_from_the_counter_it_shares() -> None:
    writer = MessageWriter(ItemPlace("msg_1", 4, iter(range(10, 20))))
    events = [*writer.open(), *writer.write("a"), *writer.close("incomplete")]
    assert [event.sequence_number for event in events] == [10, 11, 12, 13, 14, 15]
    done = events[-1]
    assert isinstance(done, ResponseOutputItemDoneStreamingEvent)
    assert done.item.model_dump()["content"][0]["text"] == "a"


PIECES = st.sampled_from(["", " ", "\n", "a", " b\n", "👋"])
STARTS: list[list[Segment]] = [
    [CallStarted(0, name), ArgumentsDelta(0, '{"input": ')] for name in ("f", "patch")
]
ENDS: list[list[Segment]] = [
    [CallIncomplete(0)],
    [ArgumentsDelta(0, '""}'), CallFinished(0)],
    [ArgumentsDelta(0, '"\\ud83d'), ArgumentsDelta(0, '\\ude00"}'), CallFinished(0)],
]
CALLS = st.builds(lambda start, end: [*start, *end], st.sampled_from(STARTS), st.sampled_from(ENDS))
PHASES = st.sampled_from([None, "commentary", "final_answer"])
SEGMENTS = st.lists(
    st.builds(lambda piece: [TextDelta(piece, 0)], PIECES)
    | st.builds(lambda piece, phase: [TextDelta(piece, 0, phase)], PIECES, PHASES)
    | st.builds(lambda piece: [ReasoningDelta(piece)], PIECES)
    | st.builds(lambda piece: [RefusalDelta(piece)], PIECES.filter(bool))
    | st.just([Citation("http://a", "A", 0, 1)])
    | CALLS
)


@given(SEGMENTS, st.sampled_from(["complete", "cut_off", "fail", "cancel"]), st.booleans())
def test_whatever_the_model_does_the_stream_keeps_all_rules(
    groups: list[list[Segment]], ending: str, is_in_background: bool
) -> None:
    builder = make_builder(tools=[CUSTOM_TOOL], background=is_in_background)
    events = builder.start()
    if is_in_background:
        events += builder.begin()
    for index, group in enumerate(groups):
        events += written(builder, group)
        if builder.open_reasoning:
            events += builder.summarise(f"Summary {index}.")
    match ending:
        case "complete":
            events += builder.complete(USAGE)
        case "cut_off":
            events += builder.cut_off(USAGE)
        case "cancel":
            events += builder.cancel(USAGE)
        case _:
            events += builder.fail(failure_payload(ZeroDivisionError()), USAGE)
    response = folded(events)
    assert response["output"] or ending == "fail"
