"""The 24 events that the official suite knows, and the WebSocket's error; any other fails there."""

from collections.abc import Mapping
from typing import Any

from tests.acceptance.official_schema import (
    CompactedWindow,
    Item,
    LogProb,
    Part,
    Response,
    Strict,
    UrlCitation,
    absent,
)
from tests.schema import check_compaction, check_event, check_response


class Event(Strict):
    sequence_number: int


class ResponseEvent(Event):
    response: Response


class ItemEvent(Event):
    output_index: int
    item: Item | None


class ContentEvent(Event):
    item_id: str
    output_index: int
    content_index: int


class PartEvent(ContentEvent):
    part: Part


class DeltaEvent(ContentEvent):
    delta: str
    logprobs: list[LogProb] = absent()
    obfuscation: str = absent()


class TextDone(ContentEvent):
    text: str
    logprobs: list[LogProb] = absent()


class RefusalDone(ContentEvent):
    refusal: str


class AnnotationAdded(ContentEvent):
    annotation_index: int
    annotation: UrlCitation | None


class SummaryEvent(Event):
    item_id: str
    output_index: int
    summary_index: int


class SummaryPart(SummaryEvent):
    part: Part


class SummaryDelta(SummaryEvent):
    delta: str
    obfuscation: str = absent()


class SummaryDone(SummaryEvent):
    text: str


class ArgumentsEvent(Event):
    item_id: str
    output_index: int


class ArgumentsDelta(ArgumentsEvent):
    delta: str
    obfuscation: str = absent()


class ArgumentsDone(ArgumentsEvent):
    arguments: str


class ErrorPayload(Strict):
    type: str
    code: str | None
    message: str
    param: str | None
    headers: dict[str, str] = absent()


class ErrorEvent(Event):
    error: ErrorPayload


class EnvelopeError(Strict):
    """Its keys may be more than these; those that stand here have these types."""

    type: str = absent()
    code: str
    message: str
    param: str | None = None


class ErrorEnvelope(Strict):
    status: int
    error: EnvelopeError


EVENTS: Mapping[str, type[Event]] = {
    "response.created": ResponseEvent,
    "response.queued": ResponseEvent,
    "response.in_progress": ResponseEvent,
    "response.completed": ResponseEvent,
    "response.failed": ResponseEvent,
    "response.incomplete": ResponseEvent,
    "response.output_item.added": ItemEvent,
    "response.output_item.done": ItemEvent,
    "response.reasoning_summary_part.added": SummaryPart,
    "response.reasoning_summary_part.done": SummaryPart,
    "response.content_part.added": PartEvent,
    "response.content_part.done": PartEvent,
    "response.output_text.delta": DeltaEvent,
    "response.output_text.done": TextDone,
    "response.refusal.delta": DeltaEvent,
    "response.refusal.done": RefusalDone,
    "response.reasoning.delta": DeltaEvent,
    "response.reasoning.done": TextDone,
    "response.reasoning_summary_text.delta": SummaryDelta,
    "response.reasoning_summary_text.done": SummaryDone,
    "response.output_text.annotation.added": AnnotationAdded,
    "response.function_call_arguments.delta": ArgumentsDelta,
    "response.function_call_arguments.done": ArgumentsDone,
    "error": ErrorEvent,
}


def check_official_response(response: dict[str, Any]) -> None:
    """Raises ValidationError or AssertionError."""
    Response.model_validate(response)
    check_response(response)


def check_official_compaction(window: dict[str, Any]) -> None:
    """Raises ValidationError or AssertionError."""
    CompactedWindow.model_validate(window)
    check_compaction(window)


def check_official_event(event: dict[str, Any]) -> None:
    """An event of a response, on either transport. Raises ValidationError or AssertionError."""
    assert event["type"] in EVENTS, event["type"]
    EVENTS[event["type"]].model_validate(event)
    check_event(event)


def check_official_envelope(envelope: dict[str, Any]) -> None:
    """A turn on a WebSocket that was refused. Raises ValidationError or AssertionError."""
    assert envelope.keys() == {"type", "status", "error"}
    assert envelope["type"] == "error"
    ErrorEnvelope.model_validate(envelope)
