"""An assistant message of one text part."""

from antiphon.server.item_writers.item_place import ItemPlace
from antiphon.server.protocol.events import (
    ResponseContentPartAddedStreamingEvent,
    ResponseContentPartDoneStreamingEvent,
    ResponseOutputTextDeltaStreamingEvent,
    ResponseOutputTextDoneStreamingEvent,
    StreamingEvent,
)
from antiphon.server.protocol.items import ItemStatus, Message, OutputTextContent
from antiphon.server.protocol.logprobs import LogProb


class MessageWriter:
    """Writes one message."""

    def __init__(self, place: ItemPlace) -> None:
        self._place = place
        self._written: list[str] = []
        self._logprobs: list[LogProb] = []

    def item(self, status: ItemStatus) -> Message:
        return Message(id=self._place.item_id, status=status, content=(self._part(),))

    def open(self) -> list[StreamingEvent]:
        return [
            self._place.added(Message(id=self._place.item_id, status="in_progress", content=())),
            ResponseContentPartAddedStreamingEvent(**self._place.in_content(), part=self._part()),
        ]

    def write(self, text: str, logprobs: tuple[LogProb, ...] = ()) -> list[StreamingEvent]:
        self._written.append(text)
        self._logprobs += logprobs
        event = ResponseOutputTextDeltaStreamingEvent(
            **self._place.in_content(), delta=text, logprobs=logprobs
        )
        return [event]

    def close(self, status: ItemStatus) -> list[StreamingEvent]:
        part = self._part()
        return [
            ResponseOutputTextDoneStreamingEvent(
                **self._place.in_content(), text=part.text, logprobs=part.logprobs
            ),
            ResponseContentPartDoneStreamingEvent(**self._place.in_content(), part=part),
            self._place.done(self.item(status)),
        ]

    def _part(self) -> OutputTextContent:
        return OutputTextContent(text="".join(self._written), logprobs=tuple(self._logprobs))
