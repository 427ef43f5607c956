"""Streaming events: one class each, named as the published schema names them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from antiphon.server.protocol.errors import ErrorPayload
from antiphon.server.protocol.items import ItemField, OutputTextContent
from antiphon.server.protocol.response import ResponseResource
from antiphon.server.protocol.wire_model import OutputModel


class NumberedEvent(OutputModel):
    type: str
    sequence_number: Annotated[int, Field(description="From 0, without gaps, per response.")]


class ResponseCreatedStreamingEvent(NumberedEvent):
    type: Literal["response.created"] = "response.created"
    response: ResponseResource


class ResponseInProgressStreamingEvent(NumberedEvent):
    type: Literal["response.in_progress"] = "response.in_progress"
    response: ResponseResource


class ResponseCompletedStreamingEvent(NumberedEvent):
    type: Literal["response.completed"] = "response.completed"
    response: ResponseResource


class ResponseIncompleteStreamingEvent(NumberedEvent):
    type: Literal["response.incomplete"] = "response.incomplete"
    response: ResponseResource


class ResponseFailedStreamingEvent(NumberedEvent):
    type: Literal["response.failed"] = "response.failed"
    response: ResponseResource


class ResponseOutputItemAddedStreamingEvent(NumberedEvent):
    type: Literal["response.output_item.added"] = "response.output_item.added"
    output_index: int
    item: ItemField


class ResponseOutputItemDoneStreamingEvent(NumberedEvent):
    type: Literal["response.output_item.done"] = "response.output_item.done"
    output_index: int
    item: ItemField


class ResponseContentPartAddedStreamingEvent(NumberedEvent):
    type: Literal["response.content_part.added"] = "response.content_part.added"
    item_id: str
    output_index: int
    content_index: int
    part: OutputTextContent


class ResponseContentPartDoneStreamingEvent(NumberedEvent):
    type: Literal["response.content_part.done"] = "response.content_part.done"
    item_id: str
    output_index: int
    content_index: int
    part: OutputTextContent


class ResponseOutputTextDeltaStreamingEvent(NumberedEvent):
    type: Literal["response.output_text.delta"] = "response.output_text.delta"
    item_id: str
    output_index: int
    content_index: int
    delta: str
    logprobs: tuple[dict[str, Any], ...] = ()


class ResponseOutputTextDoneStreamingEvent(NumberedEvent):
    type: Literal["response.output_text.done"] = "response.output_text.done"
    item_id: str
    output_index: int
    content_index: int
    text: str
    logprobs: tuple[dict[str, Any], ...] = ()


class ErrorStreamingEvent(NumberedEvent):
    type: Literal["error"] = "error"
    error: ErrorPayload


TerminalEvent = (
    ResponseCompletedStreamingEvent
    | ResponseIncompleteStreamingEvent
    | ResponseFailedStreamingEvent
)

StreamingEvent = Annotated[
    ResponseCreatedStreamingEvent
    | ResponseInProgressStreamingEvent
    | ResponseOutputItemAddedStreamingEvent
    | ResponseContentPartAddedStreamingEvent
    | ResponseOutputTextDeltaStreamingEvent
    | ResponseOutputTextDoneStreamingEvent
    | ResponseContentPartDoneStreamingEvent
    | ResponseOutputItemDoneStreamingEvent
    | ErrorStreamingEvent
    | TerminalEvent,
    Field(discriminator="type"),
]
