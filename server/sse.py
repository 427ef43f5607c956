"""Events as server-sent events: bytes of the stream, and nothing of where they come from.

Source: the WHATWG HTML standard, section 9.2, and Open Responses: `event` repeats the type, there
are no ids, LF alone ends a line, and `[DONE]` ends the stream.
"""

from antiphon.server.protocol.events import StreamingEvent

DONE = b"data: [DONE]\n\n"

# no-transform and X-Accel-Buffering keep proxies from collecting events before passing them on.
HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)


def encode_event(event: StreamingEvent) -> bytes:
    """One event, to be written at once: some clients lose an event that is cut in two."""
    return f"event: {event.type}\ndata: {event.model_dump_json()}\n\n".encode()
