"""An assistant message of one refusal part."""

from antiphon.server.output.item_writers.item_place import ItemPlace
from antiphon.server.protocol.content import RefusalContent
from antiphon.server.protocol.events import (
    ResponseContentPartAddedStreamingEvent,
    ResponseContentPartDoneStreamingEvent,
    ResponseRefusalDeltaStreamingEvent,
    ResponseRefusalDoneStreamingEvent,
    StreamingEvent,
)
from antiphon.server.protocol.items import ItemStatus, Message


class RefusalWriter:
    """Writes one message in which the model declines."""

    def __init__(self, place: ItemPlace) -> None:
        self._place = place
        self._written: list[str] = []

    def open(self) -> list[StreamingEvent]:
        return [
            self._place.added(self._item("in_progress", ())),
            ResponseContentPartAddedStreamingEvent(**self._place.in_content(), part=self._part()),
        ]

    def write(self, text: str) -> list[StreamingEvent]:
        self._written.append(text)
        return [ResponseRefusalDeltaStreamingEvent(**self._place.in_content(), delta=text)]

    def close(self, status: ItemStatus) -> list[StreamingEvent]:
        part = self._part()
        return [
            ResponseRefusalDoneStreamingEvent(**self._place.in_content(), refusal=part.refusal),
            ResponseContentPartDoneStreamingEvent(**self._place.in_content(), part=part),
            self._place.done(self._item(status, (part,))),
        ]

    def _item(self, status: ItemStatus, content: tuple[RefusalContent, ...]) -> Message:
        return Message(id=self._place.item_id, status=status, content=content)

    def _part(self) -> RefusalContent:
        return RefusalContent(refusal="".join(self._written))
