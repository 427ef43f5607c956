"""Writers of output items: one class per kind of item, each knowing its item's whole life.

added -> deltas -> done, for the item and for the parts in it.
"""

from collections.abc import Iterator
from typing import Protocol

from antiphon.server.protocol.events import (
    ResponseContentPartAddedStreamingEvent,
    ResponseContentPartDoneStreamingEvent,
    ResponseOutputItemAddedStreamingEvent,
    ResponseOutputItemDoneStreamingEvent,
    ResponseOutputTextDeltaStreamingEvent,
    ResponseOutputTextDoneStreamingEvent,
    StreamingEvent,
)
from antiphon.server.protocol.items import ItemField, ItemStatus, Message, OutputTextContent


class ItemWriter(Protocol):
    """What the builder needs of every kind: to be opened once and closed once."""

    def open(self) -> list[StreamingEvent]: ...

    def close(self, status: ItemStatus) -> list[StreamingEvent]: ...

    def item(self, status: ItemStatus) -> ItemField:
        """The item with everything written so far."""
        ...


class MessageWriter:
    """An assistant message of one text part.

    sequence_numbers is the response's own counter, shared by all that write to it.
    """

    def __init__(self, item_id: str, output_index: int, sequence_numbers: Iterator[int]) -> None:
        self._item_id = item_id
        self._output_index = output_index
        self._numbers = sequence_numbers
        self._written: list[str] = []

    def item(self, status: ItemStatus) -> Message:
        return Message(id=self._item_id, status=status, content=(self._part(),))

    def open(self) -> list[StreamingEvent]:
        return [
            ResponseOutputItemAddedStreamingEvent(
                sequence_number=next(self._numbers),
                output_index=self._output_index,
                item=Message(id=self._item_id, status="in_progress", content=()),
            ),
            ResponseContentPartAddedStreamingEvent(
                sequence_number=next(self._numbers),
                item_id=self._item_id,
                output_index=self._output_index,
                content_index=0,
                part=self._part(),
            ),
        ]

    def write(self, text: str) -> StreamingEvent:
        self._written.append(text)
        return ResponseOutputTextDeltaStreamingEvent(
            sequence_number=next(self._numbers),
            item_id=self._item_id,
            output_index=self._output_index,
            content_index=0,
            delta=text,
        )

    def close(self, status: ItemStatus) -> list[StreamingEvent]:
        return [
            ResponseOutputTextDoneStreamingEvent(
                sequence_number=next(self._numbers),
                item_id=self._item_id,
                output_index=self._output_index,
                content_index=0,
                text=self._part().text,
            ),
            ResponseContentPartDoneStreamingEvent(
                sequence_number=next(self._numbers),
                item_id=self._item_id,
                output_index=self._output_index,
                content_index=0,
                part=self._part(),
            ),
            ResponseOutputItemDoneStreamingEvent(
                sequence_number=next(self._numbers),
                output_index=self._output_index,
                item=self.item(status),
            ),
        ]

    def _part(self) -> OutputTextContent:
        return OutputTextContent(text="".join(self._written))
