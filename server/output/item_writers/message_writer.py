"""An assistant message of one text part."""

from antiphon.server.output.item_writers.item_place import ItemPlace
from antiphon.server.protocol.content import OutputTextContent, UrlCitation
from antiphon.server.protocol.events import (
    ResponseContentPartAddedStreamingEvent,
    ResponseContentPartDoneStreamingEvent,
    ResponseOutputTextAnnotationAddedStreamingEvent,
    ResponseOutputTextDeltaStreamingEvent,
    ResponseOutputTextDoneStreamingEvent,
    StreamingEvent,
)
from antiphon.server.protocol.items import ItemStatus, Message, Phase
from antiphon.server.protocol.logprobs import LogProb


class MessageWriter:
    """Writes one message."""

    def __init__(self, place: ItemPlace, phase: Phase | None = None) -> None:
        self.phase = phase
        self._place = place
        self._written: list[str] = []
        self._logprobs: list[LogProb] = []
        self._annotations: list[UrlCitation] = []

    def open(self) -> list[StreamingEvent]:
        return [
            self._place.added(self._item("in_progress", ())),
            ResponseContentPartAddedStreamingEvent(**self._place.in_content(), part=self._part()),
        ]

    def write(self, text: str, logprobs: tuple[LogProb, ...] = ()) -> list[StreamingEvent]:
        self._written.append(text)
        self._logprobs += logprobs
        event = ResponseOutputTextDeltaStreamingEvent(
            **self._place.in_content(), **self._place.delta(text), logprobs=logprobs
        )
        return [event]

    def annotate(self, annotation: UrlCitation) -> list[StreamingEvent]:
        self._annotations.append(annotation)
        event = ResponseOutputTextAnnotationAddedStreamingEvent(
            **self._place.in_content(),
            annotation_index=len(self._annotations) - 1,
            annotation=annotation,
        )
        return [event]

    def close(self, status: ItemStatus) -> list[StreamingEvent]:
        part = self._part()
        return [
            ResponseOutputTextDoneStreamingEvent(
                **self._place.in_content(), text=part.text, logprobs=part.logprobs
            ),
            ResponseContentPartDoneStreamingEvent(**self._place.in_content(), part=part),
            self._place.done(self._item(status, (part,))),
        ]

    def _item(self, status: ItemStatus, content: tuple[OutputTextContent, ...]) -> Message:
        return Message(id=self._place.item_id, status=status, content=content, phase=self.phase)

    def _part(self) -> OutputTextContent:
        return OutputTextContent(
            text="".join(self._written),
            annotations=tuple(self._annotations),
            logprobs=tuple(self._logprobs),
        )
