"""The events of a response whose server died: all that is still known is how it ended."""

import json
from typing import Any

from antiphon.server.store.records import RecordedEvent, StoredResponse


def events_of_abandoned(stored: StoredResponse, after: int) -> tuple[RecordedEvent, ...]:
    """How the stream ends for a reader who has seen number `after`; -1 begins a new one."""
    failed = {**stored.resource, "output": list(stored.output_items)}
    opening: dict[str, Any] = {**failed, "status": "queued", "error": None}
    events: list[dict[str, Any]] = []
    if after < 0:
        events.append({"type": "response.created", "response": opening})
        events.append({"type": "response.queued", "response": opening})
    error = {"type": "server_error", "param": None, **(failed["error"] or {})}
    events.append({"type": "error", "error": error})
    events.append({"type": "response.failed", "response": failed})
    return tuple(_record(number, event) for number, event in enumerate(events, after + 1))


def _record(number: int, event: dict[str, Any]) -> RecordedEvent:
    numbered = {"type": event.pop("type"), "sequence_number": number, **event}
    data = json.dumps(numbered, ensure_ascii=False, separators=(",", ":"))
    return RecordedEvent(number, numbered["type"], data)
