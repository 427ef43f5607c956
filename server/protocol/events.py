"""Streaming events: one class each, named as the published schema names them."""

from typing import Annotated, Literal

from pydantic import Field

from antiphon.server.protocol.absence import is_absent
from antiphon.server.protocol.content import ContentPart, SummaryTextContent, UrlCitation
from antiphon.server.protocol.errors import ErrorPayload
from antiphon.server.protocol.items import ItemField
from antiphon.server.protocol.logprobs import LogProb
from antiphon.server.protocol.response import ResponseResource
from antiphon.server.protocol.wire_model import OutputModel

# Random letters that hide a delta's length from whoever watches the network.
Obfuscation = Annotated[str | None, Field(exclude_if=is_absent)]


class NumberedEvent(OutputModel):
    type: str
    sequence_number: Annotated[int, Field(description="From 0, without gaps, per response.")]


class _ResponseEvent(NumberedEvent):
    """A snapshot of the whole response."""

    response: ResponseResource


class ResponseCreatedStreamingEvent(_ResponseEvent):
    type: Literal["response.created"] = "response.created"


class ResponseQueuedStreamingEvent(_ResponseEvent):
    type: Literal["response.queued"] = "response.queued"


class ResponseInProgressStreamingEvent(_ResponseEvent):
    type: Literal["response.in_progress"] = "response.in_progress"


class ResponseCompletedStreamingEvent(_ResponseEvent):
    type: Literal["response.completed"] = "response.completed"


class ResponseIncompleteStreamingEvent(_ResponseEvent):
    type: Literal["response.incomplete"] = "response.incomplete"


class ResponseFailedStreamingEvent(_ResponseEvent):
    type: Literal["response.failed"] = "response.failed"


class _ItemEvent(NumberedEvent):
    """A snapshot of one item."""

    output_index: int
    item: ItemField


class ResponseOutputItemAddedStreamingEvent(_ItemEvent):
    type: Literal["response.output_item.added"] = "response.output_item.added"


class ResponseOutputItemDoneStreamingEvent(_ItemEvent):
    type: Literal["response.output_item.done"] = "response.output_item.done"


class _ContentEvent(NumberedEvent):
    """Something about one part of one item."""

    item_id: str
    output_index: int
    content_index: int


class ResponseContentPartAddedStreamingEvent(_ContentEvent):
    type: Literal["response.content_part.added"] = "response.content_part.added"
    part: ContentPart


class ResponseContentPartDoneStreamingEvent(_ContentEvent):
    type: Literal["response.content_part.done"] = "response.content_part.done"
    part: ContentPart


class ResponseOutputTextDeltaStreamingEvent(_ContentEvent):
    type: Literal["response.output_text.delta"] = "response.output_text.delta"
    delta: str
    logprobs: tuple[LogProb, ...] = ()
    obfuscation: Obfuscation = None


class ResponseOutputTextDoneStreamingEvent(_ContentEvent):
    type: Literal["response.output_text.done"] = "response.output_text.done"
    text: str
    logprobs: tuple[LogProb, ...] = ()


class ResponseOutputTextAnnotationAddedStreamingEvent(_ContentEvent):
    type: Literal["response.output_text.annotation.added"] = "response.output_text.annotation.added"
    annotation_index: int
    annotation: UrlCitation


class ResponseRefusalDeltaStreamingEvent(_ContentEvent):
    type: Literal["response.refusal.delta"] = "response.refusal.delta"
    delta: str


class ResponseRefusalDoneStreamingEvent(_ContentEvent):
    type: Literal["response.refusal.done"] = "response.refusal.done"
    refusal: str


class ResponseReasoningDeltaStreamingEvent(_ContentEvent):
    type: Literal["response.reasoning.delta"] = "response.reasoning.delta"
    delta: str
    obfuscation: Obfuscation = None


class ResponseReasoningDoneStreamingEvent(_ContentEvent):
    type: Literal["response.reasoning.done"] = "response.reasoning.done"
    text: str


class _SummaryEvent(NumberedEvent):
    """Something about one part of a reasoning item's summary."""

    item_id: str
    output_index: int
    summary_index: int


class ResponseReasoningSummaryPartAddedStreamingEvent(_SummaryEvent):
    type: Literal["response.reasoning_summary_part.added"] = "response.reasoning_summary_part.added"
    part: SummaryTextContent


class ResponseReasoningSummaryDeltaStreamingEvent(_SummaryEvent):
    type: Literal["response.reasoning_summary_text.delta"] = "response.reasoning_summary_text.delta"
    delta: str
    obfuscation: Obfuscation = None


class ResponseReasoningSummaryDoneStreamingEvent(_SummaryEvent):
    type: Literal["response.reasoning_summary_text.done"] = "response.reasoning_summary_text.done"
    text: str


class ResponseReasoningSummaryPartDoneStreamingEvent(_SummaryEvent):
    type: Literal["response.reasoning_summary_part.done"] = "response.reasoning_summary_part.done"
    part: SummaryTextContent


class _CallEvent(NumberedEvent):
    """Something about one call."""

    item_id: str
    output_index: int


class ResponseFunctionCallArgumentsDeltaStreamingEvent(_CallEvent):
    type: Literal["response.function_call_arguments.delta"] = (
        "response.function_call_arguments.delta"
    )
    delta: str
    obfuscation: Obfuscation = None


class ResponseFunctionCallArgumentsDoneStreamingEvent(_CallEvent):
    type: Literal["response.function_call_arguments.done"] = "response.function_call_arguments.done"
    arguments: str


class ResponseCustomToolCallInputDeltaStreamingEvent(_CallEvent):
    """As OpenAI has it; only for a custom tool, which the standard does not know."""

    type: Literal["response.custom_tool_call_input.delta"] = "response.custom_tool_call_input.delta"
    delta: str


class ResponseCustomToolCallInputDoneStreamingEvent(_CallEvent):
    type: Literal["response.custom_tool_call_input.done"] = "response.custom_tool_call_input.done"
    input: str


class ErrorStreamingEvent(NumberedEvent):
    type: Literal["error"] = "error"
    error: ErrorPayload


class WebSocketErrorEvent(OutputModel):
    """A turn that could not begin, on a WebSocket: no event of a response, and not numbered."""

    type: Literal["error"] = "error"
    status: int
    error: ErrorPayload


TerminalEvent = (
    ResponseCompletedStreamingEvent
    | ResponseIncompleteStreamingEvent
    | ResponseFailedStreamingEvent
)

StreamingEvent = Annotated[
    ResponseCreatedStreamingEvent
    | ResponseQueuedStreamingEvent
    | ResponseInProgressStreamingEvent
    | ResponseOutputItemAddedStreamingEvent
    | ResponseContentPartAddedStreamingEvent
    | ResponseOutputTextDeltaStreamingEvent
    | ResponseOutputTextDoneStreamingEvent
    | ResponseOutputTextAnnotationAddedStreamingEvent
    | ResponseRefusalDeltaStreamingEvent
    | ResponseRefusalDoneStreamingEvent
    | ResponseContentPartDoneStreamingEvent
    | ResponseReasoningSummaryPartAddedStreamingEvent
    | ResponseReasoningSummaryDeltaStreamingEvent
    | ResponseReasoningSummaryDoneStreamingEvent
    | ResponseReasoningSummaryPartDoneStreamingEvent
    | ResponseReasoningDeltaStreamingEvent
    | ResponseReasoningDoneStreamingEvent
    | ResponseFunctionCallArgumentsDeltaStreamingEvent
    | ResponseFunctionCallArgumentsDoneStreamingEvent
    | ResponseCustomToolCallInputDeltaStreamingEvent
    | ResponseCustomToolCallInputDoneStreamingEvent
    | ResponseOutputItemDoneStreamingEvent
    | ErrorStreamingEvent
    | TerminalEvent,
    Field(discriminator="type"),
]
