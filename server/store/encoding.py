"""How JSON and recorded events become bytes, and bytes become them again."""

import json
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec

from antiphon.server.store.records import RecordedEvent

COMPRESSION_LEVEL = 1  # events repeat themselves so much that more work gains little


def encode_json(value: object) -> bytes:
    """UTF-8; whatever Python's own reader took from a request comes back unchanged."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def decode_json(body: bytes) -> Any:  # noqa: ANN401  JSON is anything
    return json.loads(body)


def encode_events(events: Sequence[RecordedEvent]) -> bytes:
    """All events in one compressed piece; nothing for none."""
    return zlib.compress(msgspec.msgpack.encode(events), COMPRESSION_LEVEL) if events else b""


def decode_events(body: bytes) -> tuple[RecordedEvent, ...]:
    if not body:
        return ()
    return msgspec.msgpack.decode(zlib.decompress(body), type=tuple[RecordedEvent, ...])
