"""What all writers share: a place in the response."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from antiphon.server.protocol.events import (
    ResponseOutputItemAddedStreamingEvent,
    ResponseOutputItemDoneStreamingEvent,
    StreamingEvent,
)
from antiphon.server.protocol.items import ItemField


@dataclass(frozen=True, slots=True)
class ItemPlace:
    """Where an item stands. sequence_numbers is the response's own counter, shared by all.

    is_obfuscated  whether deltas hide their length.
    """

    item_id: str
    output_index: int
    sequence_numbers: Iterator[int]
    is_obfuscated: bool = False

    def added(self, item: ItemField) -> StreamingEvent:
        return ResponseOutputItemAddedStreamingEvent(
            sequence_number=next(self.sequence_numbers),
            output_index=self.output_index,
            item=item,
        )

    def done(self, item: ItemField) -> StreamingEvent:
        return ResponseOutputItemDoneStreamingEvent(
            sequence_number=next(self.sequence_numbers),
            output_index=self.output_index,
            item=item,
        )

    def in_item(self) -> dict[str, Any]:
        """What an event about the item begins with."""
        return {
            "sequence_number": next(self.sequence_numbers),
            "item_id": self.item_id,
            "output_index": self.output_index,
        }

    def in_content(self) -> dict[str, Any]:
        """What an event about the item's only content part begins with."""
        return self.in_item() | {"content_index": 0}

    def delta(self, text: str) -> dict[str, Any]:
        """What an event that adds `text` ends with."""
        if not self.is_obfuscated:
            return {"delta": text}
        return {"delta": text, "obfuscation": secrets.token_urlsafe(16)[: 16 - len(text) % 16]}
