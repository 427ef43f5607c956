"""From what the model wrote to items and events.

With the items that it owns, the only place that makes ids, indexes and sequence numbers. Every
event is a frozen snapshot. A response is started once and ended once, by `complete`, `cut_off` or
`fail`.
"""

import itertools
from collections.abc import Iterable

from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.dialects.segments import Segment
from antiphon.server.clock import Clock
from antiphon.server.ids import IdSource
from antiphon.server.output.output_items import OutputItems
from antiphon.server.output.response_echo import opening_response
from antiphon.server.output.token_spans import TokenSpans
from antiphon.server.protocol.errors import ErrorPayload
from antiphon.server.protocol.events import (
    ErrorStreamingEvent,
    ResponseCompletedStreamingEvent,
    ResponseCreatedStreamingEvent,
    ResponseFailedStreamingEvent,
    ResponseIncompleteStreamingEvent,
    ResponseInProgressStreamingEvent,
    ResponseQueuedStreamingEvent,
    StreamingEvent,
)
from antiphon.server.protocol.items import ItemField
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.protocol.response import (
    Error,
    IncompleteDetails,
    IncompleteReason,
    ResponseResource,
    ResponseStatus,
    Usage,
)
from antiphon.server.seal import Seal
from antiphon.server.tool_menu import ToolMenu


class ResponseBuilder:
    """Writes one response; every method returns the events that follow from it.

    call_ids     those that the conversation holds already.
    token_spans  where log probabilities were asked for.
    """

    def __init__(
        self,
        body: CreateResponseBody,
        params: SamplingParams,
        menu: ToolMenu,
        *,
        model: str,
        ids: IdSource,
        clock: Clock,
        seal: Seal,
        call_ids: Iterable[str] = (),
        token_spans: TokenSpans | None = None,
    ) -> None:
        self._clock = clock
        self._numbers = itertools.count()
        self._generates = body.generate is not False
        self._items = OutputItems(
            body,
            menu,
            ids=ids,
            numbers=self._numbers,
            seal=seal,
            call_ids=call_ids,
            token_spans=token_spans,
        )
        self._opening = opening_response(
            body,
            params,
            response_id=ids.new("resp"),
            model=model,
            created_at=clock.unix_seconds(),
        )

    @property
    def response_id(self) -> str:
        return self._opening.id

    def start(self) -> list[StreamingEvent]:
        """A response in the background is queued, and begins later."""
        created = ResponseCreatedStreamingEvent(
            sequence_number=next(self._numbers), response=self._opening
        )
        if not self._opening.background:
            return [created, *self.begin()]
        queued = ResponseQueuedStreamingEvent(
            sequence_number=next(self._numbers), response=self._opening
        )
        return [created, queued]

    def begin(self) -> list[StreamingEvent]:
        return [
            ResponseInProgressStreamingEvent(
                sequence_number=next(self._numbers),
                response=self._opening.model_copy(update={"status": "in_progress"}),
            )
        ]

    @property
    def is_over(self) -> bool:
        """Whether nothing more may be written, whatever the model goes on to say."""
        return self._items.is_over

    @property
    def open_reasoning(self) -> str | None:
        """What was thought so far, while nothing else has come behind it."""
        return self._items.open_reasoning

    def segments(self, segments: Iterable[Segment]) -> list[StreamingEvent]:
        """More of the model's output."""
        return [event for segment in segments for event in self._items.write(segment)]

    def item(self, item: ItemField) -> list[StreamingEvent]:
        """An item that is there all at once."""
        return self._items.add(item)

    def summarise(self, summary: str) -> list[StreamingEvent]:
        """End what was just thought with a summary, which may be empty."""
        return self._items.summarise(summary)

    def complete(self, usage: Usage) -> list[StreamingEvent]:
        """The model is done; where it was so in the middle of a call, the response is not."""
        if self._items.has_broken_call:
            return self._end_incomplete("incomplete_tool_call", usage)
        events = self._items.close_all("completed") if self._generates else []
        response = self._snapshot(
            status="completed", usage=usage, completed_at=self._clock.unix_seconds()
        )
        return [
            *events,
            ResponseCompletedStreamingEvent(sequence_number=next(self._numbers), response=response),
        ]

    def cut_off(self, usage: Usage) -> list[StreamingEvent]:
        """The tokens ran out before the model was done."""
        return self._end_incomplete("max_output_tokens", usage)

    def cancel(self, usage: Usage) -> list[StreamingEvent]:
        """Somebody wants no more of it. The standard has no event for it but this one."""
        return self._end_incomplete("cancelled", usage, status="cancelled")

    def fail(self, payload: ErrorPayload, usage: Usage) -> list[StreamingEvent]:
        events = self._items.close("incomplete")
        error = Error(code=payload.code or payload.type, message=payload.message)
        return [
            *events,
            ErrorStreamingEvent(sequence_number=next(self._numbers), error=payload),
            ResponseFailedStreamingEvent(
                sequence_number=next(self._numbers),
                response=self._snapshot(status="failed", usage=usage, error=error),
            ),
        ]

    def _end_incomplete(
        self, reason: IncompleteReason, usage: Usage, status: ResponseStatus = "incomplete"
    ) -> list[StreamingEvent]:
        events = self._items.close_all("incomplete")
        details = IncompleteDetails(reason=reason)
        response = self._snapshot(status=status, usage=usage, incomplete_details=details)
        return [
            *events,
            ResponseIncompleteStreamingEvent(
                sequence_number=next(self._numbers), response=response
            ),
        ]

    def _snapshot(self, **changes: object) -> ResponseResource:
        return self._opening.model_copy(update={"output": tuple(self._items.finished), **changes})
