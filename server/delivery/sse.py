"""Events as server-sent events: bytes of the stream, and nothing of where they come from.

Source: the WHATWG HTML standard, section 9.2, and Open Responses: `event` repeats the type, there
are no ids, LF alone ends a line, and `[DONE]` ends the stream.
"""

from antiphon.server.delivery.emission import renamed
from antiphon.server.delivery.event_names import EventNames
from antiphon.server.store.records import RecordedEvent

DONE = b"data: [DONE]\n\n"

# no-transform and X-Accel-Buffering keep proxies from collecting events before passing them on.
HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)


def encode_event(record: RecordedEvent, names: EventNames) -> bytes:
    """One event, to be written at once: some clients lose an event that is cut in two."""
    named = renamed(record, names)
    return f"event: {named.type}\ndata: {named.data}\n\n".encode()
