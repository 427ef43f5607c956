"""A reasoning item of one text part, and of a summary where one was made."""

from typing import Any

from antiphon.server.output.item_writers.item_place import ItemPlace
from antiphon.server.protocol.content import ReasoningTextContent, SummaryTextContent
from antiphon.server.protocol.events import (
    ResponseContentPartAddedStreamingEvent,
    ResponseContentPartDoneStreamingEvent,
    ResponseReasoningDeltaStreamingEvent,
    ResponseReasoningDoneStreamingEvent,
    ResponseReasoningSummaryDeltaStreamingEvent,
    ResponseReasoningSummaryDoneStreamingEvent,
    ResponseReasoningSummaryPartAddedStreamingEvent,
    ResponseReasoningSummaryPartDoneStreamingEvent,
    StreamingEvent,
)
from antiphon.server.protocol.items import ItemStatus, ReasoningBody
from antiphon.server.seal import REASONING, Seal


class ReasoningWriter:
    """Writes one item. seal: closes the text for `encrypted_content`, where that was asked for."""

    def __init__(self, place: ItemPlace, seal: Seal | None) -> None:
        self._place = place
        self._seal = seal
        self._written: list[str] = []
        self._summary: tuple[SummaryTextContent, ...] = ()
        self._is_text_done = False

    @property
    def text(self) -> str:
        return "".join(self._written)

    def open(self) -> list[StreamingEvent]:
        empty = ReasoningBody(id=self._place.item_id, status="in_progress", content=())
        return [
            self._place.added(empty),
            ResponseContentPartAddedStreamingEvent(**self._place.in_content(), part=self._part()),
        ]

    def write(self, text: str) -> list[StreamingEvent]:
        self._written.append(text)
        event = ResponseReasoningDeltaStreamingEvent(
            **self._place.in_content(), **self._place.delta(text)
        )
        return [event]

    def summarise(self, text: str) -> list[StreamingEvent]:
        """The whole summary; the text ends before it."""
        events = self._end_text()
        empty, part = SummaryTextContent(text=""), SummaryTextContent(text=text)
        self._summary = (part,)
        return [
            *events,
            ResponseReasoningSummaryPartAddedStreamingEvent(**self._in_summary(), part=empty),
            ResponseReasoningSummaryDeltaStreamingEvent(
                **self._in_summary(), **self._place.delta(text)
            ),
            ResponseReasoningSummaryDoneStreamingEvent(**self._in_summary(), text=text),
            ResponseReasoningSummaryPartDoneStreamingEvent(**self._in_summary(), part=part),
        ]

    def close(self, status: ItemStatus) -> list[StreamingEvent]:
        events = self._end_text()
        item = ReasoningBody(
            id=self._place.item_id,
            status=status,
            summary=self._summary,
            content=(self._part(),),
            encrypted_content=self._seal.close(REASONING, self.text) if self._seal else None,
        )
        return [*events, self._place.done(item)]

    def _end_text(self) -> list[StreamingEvent]:
        if self._is_text_done:
            return []
        self._is_text_done = True
        part = self._part()
        return [
            ResponseReasoningDoneStreamingEvent(**self._place.in_content(), text=part.text),
            ResponseContentPartDoneStreamingEvent(**self._place.in_content(), part=part),
        ]

    def _in_summary(self) -> dict[str, Any]:
        return {**self._place.in_item(), "summary_index": 0}

    def _part(self) -> ReasoningTextContent:
        return ReasoningTextContent(text=self.text)
