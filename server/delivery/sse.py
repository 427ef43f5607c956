"""Events as server-sent events: bytes of the stream, and nothing of where they come from.

Source: the WHATWG HTML standard, section 9.2, and Open Responses: `event` repeats the type, there
are no ids, LF alone ends a line, and `[DONE]` ends the stream.
"""

from collections.abc import Iterable

from antiphon.server.delivery.emission import renamed
from antiphon.server.delivery.event_names import EventNames
from antiphon.server.store.records import RecordedEvent

DONE = b"data: [DONE]\n\n"

# So that a reader who comes late is not sent all at once what he may read slowly.
MAX_WRITTEN_TOGETHER = 64

# no-transform and X-Accel-Buffering keep proxies from collecting events before passing them on.
HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)


def encode_events(records: Iterable[RecordedEvent], names: EventNames) -> bytes:
    """Events to be written at once: some clients lose an event that is cut in two."""
    known = [renamed(record, names) for record in records]
    return "".join([f"event: {event.type}\ndata: {event.data}\n\n" for event in known]).encode()
