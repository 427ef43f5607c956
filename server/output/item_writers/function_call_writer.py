"""A call of one of the client's functions."""

from antiphon.server.output.item_writers.item_place import ItemPlace
from antiphon.server.protocol.events import (
    ResponseFunctionCallArgumentsDeltaStreamingEvent,
    ResponseFunctionCallArgumentsDoneStreamingEvent,
    StreamingEvent,
)
from antiphon.server.protocol.items import FunctionCall, ItemStatus


class FunctionCallWriter:
    """Writes one call, its arguments letter for letter as the model wrote them."""

    def __init__(
        self, place: ItemPlace, *, call_id: str, name: str, namespace: str | None = None
    ) -> None:
        self._place = place
        self._call_id = call_id
        self._name = name
        self._namespace = namespace
        self._written: list[str] = []

    def _item(self, status: ItemStatus) -> FunctionCall:
        return FunctionCall(
            id=self._place.item_id,
            status=status,
            call_id=self._call_id,
            name=self._name,
            namespace=self._namespace,
            arguments="".join(self._written),
        )

    def open(self) -> list[StreamingEvent]:
        return [self._place.added(self._item("in_progress"))]

    def write(self, json_text: str) -> list[StreamingEvent]:
        self._written.append(json_text)
        event = ResponseFunctionCallArgumentsDeltaStreamingEvent(
            **self._place.in_item(), **self._place.delta(json_text)
        )
        return [event]

    def close(self, status: ItemStatus) -> list[StreamingEvent]:
        item = self._item(status)
        return [
            ResponseFunctionCallArgumentsDoneStreamingEvent(
                **self._place.in_item(), arguments=item.arguments
            ),
            self._place.done(item),
        ]
