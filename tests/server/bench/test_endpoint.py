"""What the events of the two endpoints mean."""

import json

import pytest

from antiphon.server.bench.endpoint import (
    ChatEndpoint,
    Reading,
    ResponsesEndpoint,
    Usage,
    error_message,
)
from antiphon.server.bench.errors import RequestFailed
from antiphon.server.bench.sse_client import SseEvent

DONE = SseEvent("", "[DONE]")


def event(payload: object, name: str = "") -> SseEvent:
    return SseEvent(name, json.dumps(payload))


@pytest.mark.parametrize(
    "kind",
    [
        "response.output_text.delta",
        "response.reasoning_text.delta",
        "response.reasoning_summary_text.delta",
        "response.function_call_arguments.delta",
        "response.refusal.delta",
    ],
)
def test_every_kind_of_delta_is_text(kind: str) -> None:
    assert ResponsesEndpoint().read(event({"type": kind, "delta": "x"})) == Reading(text="x")


def test_events_around_the_text_mean_nothing() -> None:
    endpoint = ResponsesEndpoint()
    for kind in ("response.created", "response.output_text.done", "response.of_tomorrow"):
        assert endpoint.read(event({"type": kind, "text": "x"})) == Reading()
    assert endpoint.read(DONE) == Reading()


def test_the_name_of_an_event_stands_in_for_a_missing_type() -> None:
    reading = ResponsesEndpoint().read(event({"delta": "x"}, "response.output_text.delta"))
    assert reading.text == "x"


@pytest.mark.parametrize("kind", ["response.completed", "response.incomplete"])
def test_a_response_that_ended_by_itself_or_at_its_length_is_final(kind: str) -> None:
    details = {"cached_tokens": 3}
    usage = {"input_tokens": 9, "output_tokens": 5, "input_tokens_details": details}
    reading = ResponsesEndpoint().read(event({"type": kind, "response": {"usage": usage}}))
    assert reading == Reading(usage=Usage(9, 5, 3), is_final=True)


def test_a_response_without_usage_has_none() -> None:
    payload = {"type": "response.completed", "response": {"usage": None}}
    assert ResponsesEndpoint().read(event(payload)) == Reading(is_final=True)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (
            {"type": "response.failed", "response": {"error": {"message": "out of memory"}}},
            "response.failed: out of memory",
        ),
        ({"type": "error", "message": "overloaded"}, "error: overloaded"),
        ({"type": "error", "error": {"message": "overloaded"}}, "error: overloaded"),
    ],
)
def test_a_failed_response_is_an_error_with_the_servers_words(
    payload: object, message: str
) -> None:
    with pytest.raises(RequestFailed) as caught:
        ResponsesEndpoint().read(event(payload))
    assert str(caught.value) == message


@pytest.mark.parametrize("endpoint", [ResponsesEndpoint(), ChatEndpoint()])
def test_an_event_that_is_not_json_is_an_error(
    endpoint: ResponsesEndpoint | ChatEndpoint,
) -> None:
    with pytest.raises(RequestFailed, match="not JSON"):
        endpoint.read(SseEvent("", "<html>"))


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "x"},
        {"reasoning_content": "x", "reasoning": "x", "content": None},
        {"reasoning": "x"},
        {"tool_calls": [{"function": {"arguments": "x"}}]},
    ],
)
def test_every_kind_of_chat_delta_is_text(delta: object) -> None:
    reading = ChatEndpoint().read(event({"choices": [{"delta": delta, "finish_reason": None}]}))
    assert reading == Reading(text="x")


def test_a_chat_answer_is_final_at_its_finish_reason_or_mark() -> None:
    endpoint = ChatEndpoint()
    assert endpoint.read(event({"choices": [{"delta": {}, "finish_reason": "length"}]})).is_final
    assert endpoint.read(DONE).is_final


def test_chat_usage_comes_without_choices() -> None:
    details = {"cached_tokens": 3}
    usage = {"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": details}
    assert ChatEndpoint().read(event({"choices": [], "usage": usage})).usage == Usage(9, 5, 3)


def test_an_error_in_a_chat_stream_is_an_error() -> None:
    with pytest.raises(RequestFailed, match="error: overloaded"):
        ChatEndpoint().read(event({"error": {"message": "overloaded"}}))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"error": {"message": "a"}}, "a"),
        ({"error": "b"}, "b"),
        ({"detail": "c"}, "c"),
        ({"message": "d"}, "d"),
        ({}, ""),
        ([1], ""),
        (None, ""),
    ],
)
def test_the_message_of_an_error_is_found_in_any_shape(answer: object, message: str) -> None:
    assert error_message(answer) == message
