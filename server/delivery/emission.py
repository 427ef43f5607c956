"""An event on its way out: to a client, to the store, to both."""

from functools import cached_property

from antiphon.server.delivery.event_names import EventNames
from antiphon.server.protocol.events import StreamingEvent
from antiphon.server.store.records import RecordedEvent


class Emission:
    """One event; it is written as JSON once, by whoever needs that first."""

    def __init__(self, event: StreamingEvent) -> None:
        self.event = event

    @cached_property
    def record(self) -> RecordedEvent:
        event = self.event
        return RecordedEvent(event.sequence_number, event.type, event.model_dump_json())


def renamed(record: RecordedEvent, names: EventNames) -> RecordedEvent:
    """The event under the name that its reader knows. `type` is the first key of its JSON."""
    name = names.of(record.type)
    if name == record.type:
        return record
    data = record.data.replace(f'"type":"{record.type}"', f'"type":"{name}"', 1)
    return RecordedEvent(record.sequence_number, name, data)
