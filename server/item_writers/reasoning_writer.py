"""A reasoning item of one text part."""

from antiphon.server.item_writers.item_place import ItemPlace
from antiphon.server.protocol.events import (
    ResponseContentPartAddedStreamingEvent,
    ResponseContentPartDoneStreamingEvent,
    ResponseReasoningDeltaStreamingEvent,
    ResponseReasoningDoneStreamingEvent,
    StreamingEvent,
)
from antiphon.server.protocol.items import ItemStatus, ReasoningBody, ReasoningTextContent
from antiphon.server.reasoning_seal import seal


class ReasoningWriter:
    """Writes one item. is_sealed: it also carries its text as `encrypted_content`."""

    def __init__(self, place: ItemPlace, *, is_sealed: bool) -> None:
        self._place = place
        self._is_sealed = is_sealed
        self._written: list[str] = []

    def item(self, status: ItemStatus) -> ReasoningBody:
        part = self._part()
        return ReasoningBody(
            id=self._place.item_id,
            status=status,
            content=(part,),
            encrypted_content=seal(part.text) if self._is_sealed else None,
        )

    def open(self) -> list[StreamingEvent]:
        empty = ReasoningBody(id=self._place.item_id, status="in_progress", content=())
        return [
            self._place.added(empty),
            ResponseContentPartAddedStreamingEvent(**self._place.in_content(), part=self._part()),
        ]

    def write(self, text: str) -> list[StreamingEvent]:
        self._written.append(text)
        return [ResponseReasoningDeltaStreamingEvent(**self._place.in_content(), delta=text)]

    def close(self, status: ItemStatus) -> list[StreamingEvent]:
        part = self._part()
        return [
            ResponseReasoningDoneStreamingEvent(**self._place.in_content(), text=part.text),
            ResponseContentPartDoneStreamingEvent(**self._place.in_content(), part=part),
            self._place.done(self.item(status)),
        ]

    def _part(self) -> ReasoningTextContent:
        return ReasoningTextContent(text="".join(self._written))
