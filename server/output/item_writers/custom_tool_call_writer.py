"""A call of a tool that takes free text."""

from antiphon.server.output.custom_input import CustomInput
from antiphon.server.output.item_writers.item_place import ItemPlace
from antiphon.server.protocol.events import (
    ResponseCustomToolCallInputDeltaStreamingEvent,
    ResponseCustomToolCallInputDoneStreamingEvent,
    StreamingEvent,
)
from antiphon.server.protocol.items import CustomToolCall, ItemStatus


class CustomToolCallWriter:
    """Writes one call; the text is taken out of the arguments that the model writes."""

    def __init__(self, place: ItemPlace, *, call_id: str, name: str) -> None:
        self._place = place
        self._call_id = call_id
        self._name = name
        self._input = CustomInput()
        self._written: list[str] = []

    def _item(self, status: ItemStatus) -> CustomToolCall:
        return CustomToolCall(
            id=self._place.item_id,
            status=status,
            call_id=self._call_id,
            name=self._name,
            input="".join(self._written),
        )

    def open(self) -> list[StreamingEvent]:
        return [self._place.added(self._item("in_progress"))]

    def write(self, json_text: str) -> list[StreamingEvent]:
        """More of the arguments; nothing is told where they hold no more of the text."""
        text = self._input.feed(json_text)
        if not text:
            return []
        self._written.append(text)
        event = ResponseCustomToolCallInputDeltaStreamingEvent(**self._place.in_item(), delta=text)
        return [event]

    def close(self, status: ItemStatus) -> list[StreamingEvent]:
        item = self._item(status)
        return [
            ResponseCustomToolCallInputDoneStreamingEvent(
                **self._place.in_item(), input=item.input
            ),
            self._place.done(item),
        ]
