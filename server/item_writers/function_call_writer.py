"""A call of one of the client's functions."""

from antiphon.server.item_writers.item_place import ItemPlace
from antiphon.server.protocol.events import (
    ResponseFunctionCallArgumentsDeltaStreamingEvent,
    ResponseFunctionCallArgumentsDoneStreamingEvent,
    StreamingEvent,
)
from antiphon.server.protocol.items import FunctionCall, ItemStatus


class FunctionCallWriter:
    """Writes one call, its arguments letter for letter as the model wrote them."""

    def __init__(self, place: ItemPlace, *, call_id: str, name: str) -> None:
        self._place = place
        self._call_id = call_id
        self._name = name
        self._written: list[str] = []

    def item(self, status: ItemStatus) -> FunctionCall:
        return FunctionCall(
            id=self._place.item_id,
            status=status,
            call_id=self._call_id,
            name=self._name,
            arguments="".join(self._written),
        )

    def open(self) -> list[StreamingEvent]:
        return [self._place.added(self.item("in_progress"))]

    def write(self, json_text: str) -> list[StreamingEvent]:
        self._written.append(json_text)
        event = ResponseFunctionCallArgumentsDeltaStreamingEvent(
            **self._place.in_item(), delta=json_text
        )
        return [event]

    def close(self, status: ItemStatus) -> list[StreamingEvent]:
        item = self.item(status)
        return [
            ResponseFunctionCallArgumentsDoneStreamingEvent(
                **self._place.in_item(), arguments=item.arguments
            ),
            self._place.done(item),
        ]
