"""The events of a response as the chunks of a chat completion, one after the other."""

from typing import Any

from antiphon.server.chat_completions.completion import (
    ChatCompletionChunk,
    ChoiceLogprobs,
    ChunkChoice,
    CountedChunk,
    CustomToolDelta,
    Delta,
    FunctionDelta,
    ToolCallDelta,
)
from antiphon.server.chat_completions.response_translation import (
    SEPARATOR,
    completion_id,
    completion_usage,
    finish_reason,
)
from antiphon.server.protocol.errors import ErrorBody
from antiphon.server.protocol.events import (
    ErrorStreamingEvent,
    ResponseCompletedStreamingEvent,
    ResponseCreatedStreamingEvent,
    ResponseCustomToolCallInputDeltaStreamingEvent,
    ResponseFunctionCallArgumentsDeltaStreamingEvent,
    ResponseIncompleteStreamingEvent,
    ResponseOutputItemAddedStreamingEvent,
    ResponseOutputTextDeltaStreamingEvent,
    ResponseReasoningDeltaStreamingEvent,
    ResponseRefusalDeltaStreamingEvent,
    StreamingEvent,
)
from antiphon.server.protocol.items import CustomToolCall, FunctionCall
from antiphon.server.protocol.response import ResponseResource

Chunk = ChatCompletionChunk | ErrorBody
TextEvent = (
    ResponseOutputTextDeltaStreamingEvent
    | ResponseRefusalDeltaStreamingEvent
    | ResponseReasoningDeltaStreamingEvent
)


class CompletionStream:
    """Translates the events of one response, in their order."""

    def __init__(self, *, includes_usage: bool) -> None:
        self._kind = CountedChunk if includes_usage else ChatCompletionChunk
        self._common: dict[str, Any] | None = None
        self._num_calls = 0
        self._last_items: dict[str, int] = {}

    def chunks(self, event: StreamingEvent) -> list[Chunk]:
        """Empty for what a completion does not tell."""
        match event:
            case ResponseCreatedStreamingEvent(response=response):
                self._common = _common(response)
                choice = ChunkChoice(delta=Delta(role="assistant", content=""))
            case ResponseCompletedStreamingEvent() | ResponseIncompleteStreamingEvent():
                return self._ending(event.response)
            case ErrorStreamingEvent(error=error):
                return [ErrorBody(error=error)]
            case _:
                delta = self._delta(event)
                if delta is None:
                    return []
                choice = ChunkChoice(delta=delta, logprobs=_logprobs(event))
        return [self._chunk(choices=(choice,), obfuscation=getattr(event, "obfuscation", None))]

    def _ending(self, response: ResponseResource) -> list[Chunk]:
        choice = ChunkChoice(delta=Delta(), finish_reason=finish_reason(response))
        ending: list[Chunk] = [self._chunk(choices=(choice,))]
        if self._kind is CountedChunk and response.usage is not None:
            ending.append(self._chunk(choices=(), usage=completion_usage(response.usage)))
        return ending

    def _chunk(self, **content: Any) -> ChatCompletionChunk:  # noqa: ANN401 - each its field's type
        assert self._common is not None, "a response begins with its creation"
        return self._kind(**self._common, **content)

    def _delta(self, event: StreamingEvent) -> Delta | None:
        match event:
            case ResponseOutputTextDeltaStreamingEvent():
                return Delta(content=self._set_apart(event))
            case ResponseRefusalDeltaStreamingEvent():
                return Delta(refusal=self._set_apart(event))
            case ResponseReasoningDeltaStreamingEvent():
                return Delta(reasoning_content=self._set_apart(event))
        call = self._call_delta(event)
        return None if call is None else Delta(tool_calls=(call,))

    def _set_apart(self, event: TextEvent) -> str:
        """What is another item's is set apart from what came before of the same kind."""
        last_item = self._last_items.get(event.type, event.output_index)
        self._last_items[event.type] = event.output_index
        return event.delta if event.output_index == last_item else SEPARATOR + event.delta

    def _call_delta(self, event: StreamingEvent) -> ToolCallDelta | None:
        """More of a call belongs to the last that was begun: no two are open at once."""
        match event:
            case ResponseOutputItemAddedStreamingEvent(
                item=(FunctionCall() | CustomToolCall()) as call
            ):
                self._num_calls += 1
                return _begun(self._num_calls - 1, call)
            case ResponseFunctionCallArgumentsDeltaStreamingEvent(delta=text):
                function = FunctionDelta(arguments=text)
                return ToolCallDelta(index=self._num_calls - 1, function=function)
            case ResponseCustomToolCallInputDeltaStreamingEvent(delta=text):
                return ToolCallDelta(index=self._num_calls - 1, custom=CustomToolDelta(input=text))
        return None


def _common(response: ResponseResource) -> dict[str, Any]:
    """What all chunks have in common."""
    return {
        "id": completion_id(response),
        "created": response.created_at,
        "model": response.model,
        "service_tier": response.service_tier,
    }


def _begun(index: int, call: FunctionCall | CustomToolCall) -> ToolCallDelta:
    if isinstance(call, CustomToolCall):
        custom = CustomToolDelta(name=call.name, input="")
        return ToolCallDelta(index=index, id=call.call_id, type="custom", custom=custom)
    function = FunctionDelta(name=call.name, arguments="")
    return ToolCallDelta(index=index, id=call.call_id, type="function", function=function)


def _logprobs(event: StreamingEvent) -> ChoiceLogprobs | None:
    match event:
        case ResponseOutputTextDeltaStreamingEvent(logprobs=entries) if entries:
            return ChoiceLogprobs(content=entries)
    return None
