"""From what the model wrote to items and events.

With the item writers that it owns, the only place that makes ids, indexes and sequence numbers.
Every event is a frozen snapshot. A response is started once and ended once, by `complete`,
`cut_off` or `fail`.
"""

import itertools

from antiphon.engine.sampling_params import SamplingParams
from antiphon.server.clock import Clock
from antiphon.server.ids import IdSource
from antiphon.server.item_writers import ItemWriter, MessageWriter
from antiphon.server.protocol.errors import ErrorPayload
from antiphon.server.protocol.events import (
    ErrorStreamingEvent,
    ResponseCompletedStreamingEvent,
    ResponseCreatedStreamingEvent,
    ResponseFailedStreamingEvent,
    ResponseIncompleteStreamingEvent,
    ResponseInProgressStreamingEvent,
    StreamingEvent,
)
from antiphon.server.protocol.items import ItemField, ItemStatus
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.protocol.response import Error, IncompleteDetails, ResponseResource, Usage
from antiphon.server.response_echo import opening_response


class ResponseBuilder:
    """Writes one response; every method returns the events that follow from it."""

    def __init__(
        self,
        body: CreateResponseBody,
        params: SamplingParams,
        *,
        model: str,
        ids: IdSource,
        clock: Clock,
    ) -> None:
        self._ids = ids
        self._clock = clock
        self._numbers = itertools.count()
        self._finished_items: list[ItemField] = []
        self._open_item: ItemWriter | None = None
        self._opening = opening_response(
            body,
            params,
            response_id=ids.new("resp"),
            model=model,
            created_at=clock.unix_seconds(),
        )

    def start(self) -> list[StreamingEvent]:
        return [
            ResponseCreatedStreamingEvent(
                sequence_number=next(self._numbers), response=self._opening
            ),
            ResponseInProgressStreamingEvent(
                sequence_number=next(self._numbers), response=self._opening
            ),
        ]

    def text(self, text: str) -> list[StreamingEvent]:
        """More of the answer; an empty piece is no event."""
        if not text:
            return []
        if isinstance(self._open_item, MessageWriter):
            return [self._open_item.write(text)]
        message, events = self._open_message()
        return [*events, message.write(text)]

    def complete(self, usage: Usage) -> list[StreamingEvent]:
        events = self._close_items("completed")
        response = self._snapshot(
            status="completed", usage=usage, completed_at=self._clock.unix_seconds()
        )
        return [
            *events,
            ResponseCompletedStreamingEvent(sequence_number=next(self._numbers), response=response),
        ]

    def cut_off(self, usage: Usage) -> list[StreamingEvent]:
        """The tokens ran out before the model was done."""
        events = self._close_items("incomplete")
        details = IncompleteDetails(reason="max_output_tokens")
        response = self._snapshot(status="incomplete", usage=usage, incomplete_details=details)
        return [
            *events,
            ResponseIncompleteStreamingEvent(
                sequence_number=next(self._numbers), response=response
            ),
        ]

    def fail(self, payload: ErrorPayload, usage: Usage) -> list[StreamingEvent]:
        events = self._close_open_item("incomplete")
        error = Error(code=payload.code or payload.type, message=payload.message)
        return [
            *events,
            ErrorStreamingEvent(sequence_number=next(self._numbers), error=payload),
            ResponseFailedStreamingEvent(
                sequence_number=next(self._numbers),
                response=self._snapshot(status="failed", usage=usage, error=error),
            ),
        ]

    def _open_message(self) -> tuple[MessageWriter, list[StreamingEvent]]:
        closing = self._close_open_item("completed")
        message = MessageWriter(self._ids.new("msg"), len(self._finished_items), self._numbers)
        self._open_item = message
        return message, [*closing, *message.open()]

    def _close_items(self, status: ItemStatus) -> list[StreamingEvent]:
        """Close what is open. A response always has an item, even if the model said nothing."""
        events: list[StreamingEvent] = []
        if self._open_item is None and not self._finished_items:
            _, events = self._open_message()
        return [*events, *self._close_open_item(status)]

    def _close_open_item(self, status: ItemStatus) -> list[StreamingEvent]:
        if self._open_item is None:
            return []
        events = self._open_item.close(status)
        self._finished_items.append(self._open_item.item(status))
        self._open_item = None
        return events

    def _snapshot(self, **changes: object) -> ResponseResource:
        return self._opening.model_copy(update={"output": tuple(self._finished_items), **changes})
