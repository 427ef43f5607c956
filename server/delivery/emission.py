"""An event on its way out: to a client, to the store, to both."""

from collections.abc import AsyncGenerator

from antiphon.server.delivery.event_names import EventNames
from antiphon.server.protocol.events import StreamingEvent
from antiphon.server.store.records import RecordedEvent


class Emission:
    """One event; it is written as JSON once, by whoever needs that first."""

    __slots__ = ("_record", "event")

    def __init__(self, event: StreamingEvent) -> None:
        self.event = event
        self._record: RecordedEvent | None = None

    @property
    def record(self) -> RecordedEvent:
        if self._record is None:
            event = self.event
            data = event.model_dump_json()
            self._record = RecordedEvent(event.sequence_number, event.type, data)
        return self._record


Emissions = AsyncGenerator[list[Emission], None]
"""Those that are there together, never none. The last one of all is a terminal event."""


def renamed(record: RecordedEvent, names: EventNames) -> RecordedEvent:
    """The event under the name that its reader knows. `type` is the first key of its JSON."""
    name = names.of(record.type)
    if name == record.type:
        return record
    data = record.data.replace(f'"type":"{record.type}"', f'"type":"{name}"', 1)
    return RecordedEvent(record.sequence_number, name, data)
