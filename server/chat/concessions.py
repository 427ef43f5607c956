"""What is tried when a template refuses a conversation that others show as it is."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

Json = dict[str, Any]
Concession = Callable[[Sequence[Json]], list[Json]]


def with_short_ids(messages: Sequence[Json]) -> list[Json]:
    """Mistral's templates take only ids of nine letters and digits."""
    return [_with_short_ids(message) for message in messages]


def with_text_among_thoughts(messages: Sequence[Json]) -> list[Json]:
    """gpt-oss's template takes either text or reasoning beside a call."""
    return [_with_text_among_thoughts(message) for message in messages]


CONCESSIONS: tuple[Concession, ...] = (with_short_ids, with_text_among_thoughts)


def _with_short_ids(message: Json) -> Json:
    changed = dict(message)
    if "tool_call_id" in message:
        changed["tool_call_id"] = _short(message["tool_call_id"])
    if "tool_calls" in message:
        calls = message["tool_calls"]
        changed["tool_calls"] = [{**call, "id": _short(call["id"])} for call in calls]
    return changed


def _short(call_id: str) -> str:
    if len(call_id) == 9 and call_id.isascii() and call_id.isalnum():
        return call_id
    return hashlib.sha256(call_id.encode()).hexdigest()[:9]


def _with_text_among_thoughts(message: Json) -> Json:
    text, thoughts = message.get("content"), message.get("reasoning_content")
    if "tool_calls" not in message or not text or not thoughts:
        return message
    return {**message, "content": None, "reasoning_content": f"{thoughts}\n\n{text}"}
