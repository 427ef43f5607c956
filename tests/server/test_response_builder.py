"""The builder on its own: order, ids, indexes, numbers, and events that never change."""

from antiphon.engine.sampling_params import SamplingParams
from antiphon.server.error_table import failure_payload
from antiphon.server.item_writers import MessageWriter
from antiphon.server.protocol.events import StreamingEvent
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.protocol.response import InputTokensDetails, OutputTokensDetails, Usage
from antiphon.server.response_builder import ResponseBuilder
from tests.serving import CountingIds, StandingClock
from tests.stream_rules import check_stream

USAGE = Usage(
    input_tokens=2,
    input_tokens_details=InputTokensDetails(cached_tokens=0),
    output_tokens=3,
    output_tokens_details=OutputTokensDetails(),
    total_tokens=5,
)


def make_builder(**fields: object) -> ResponseBuilder:
    body = CreateResponseBody.model_validate(fields)
    return ResponseBuilder(
        body, SamplingParams(), model="tiny", ids=CountingIds(), clock=StandingClock()
    )


def test_event_stays_as_it_was_while_the_response_goes_on() -> None:
    builder = make_builder(metadata={"a": "b"})
    events: list[StreamingEvent] = []
    texts: list[str] = []
    for step in (
        builder.start(),
        builder.text("Hello"),
        builder.text(" world"),
        builder.complete(USAGE),
    ):
        events += step
        texts += [event.model_dump_json() for event in step]
    assert [event.model_dump_json() for event in events] == texts
    check_stream([event.model_dump(mode="json") for event in events])


def test_empty_text_is_no_event_and_opens_no_item() -> None:
    builder = make_builder()
    builder.start()
    assert builder.text("") == []
    assert [event.type for event in builder.text("a")] == [
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
    ]


def test_failure_closes_the_open_item_first() -> None:
    builder = make_builder()
    events = [*builder.start(), *builder.text("Hel")]
    events += builder.fail(failure_payload(ZeroDivisionError()), USAGE)
    check_stream([event.model_dump(mode="json") for event in events])
    assert [event.type for event in events[-3:]] == [
        "response.output_item.done",
        "error",
        "response.failed",
    ]


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
    }
    (created, _) = make_builder(**fields, reasoning={"effort": "none"}).start()
    echoed = created.model_dump(mode="json")["response"]
    assert {name: echoed[name] for name in fields} == fields
    assert echoed["reasoning"] == {"effort": "none", "summary": None}
    assert (echoed["store"], echoed["background"], echoed["truncation"]) == (
        False,
        False,
        "disabled",
    )


def test_writer_numbers_its_events_from_the_counter_it_shares() -> None:
    writer = MessageWriter("msg_1", 4, iter(range(10, 20)))
    events = [*writer.open(), writer.write("a"), *writer.close("incomplete")]
    assert [event.sequence_number for event in events] == [10, 11, 12, 13, 14, 15]
    assert writer.item("incomplete").content[0].text == "a"
