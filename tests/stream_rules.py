"""What holds for every stream of events, whatever was said in it."""

import json
from typing import Any

from tests.schema import check_event, check_response

TERMINAL = {"response.completed", "response.incomplete", "response.failed"}

Event = dict[str, Any]


def parse_stream(text: str) -> list[Event]:
    """Split as the strictest client does, and check all that can be checked."""
    assert text.endswith("\n\ndata: [DONE]\n\n")
    assert "\r" not in text
    events = [_parse_block(block) for block in text.split("\n\n")[:-2]]
    check_stream(events)
    return events


def _parse_block(block: str) -> Event:
    first, second = block.split("\n")
    assert first.startswith("event: ")
    assert second.startswith("data: ")
    event: Event = json.loads(second.removeprefix("data: "))
    assert first == f"event: {event['type']}"
    return event


def check_stream(events: list[Event]) -> None:
    for event in events:
        check_event(event)
    types = [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert types[:2] == ["response.created", "response.in_progress"]
    assert [kind for kind in types if kind in TERMINAL] == types[-1:]
    final = events[-1]["response"]
    check_response(final)
    assert {e["response"]["id"] for e in events if "response" in e} == {final["id"]}
    _check_items(events, final)
    _check_ending(events, final)


def _check_items(events: list[Event], final: dict[str, Any]) -> None:
    done = [event for event in events if event["type"] == "response.output_item.done"]
    added = [event for event in events if event["type"] == "response.output_item.added"]
    assert [event["item"] for event in done] == final["output"]
    assert [event["output_index"] for event in added] == list(range(len(final["output"])))
    for index, item in enumerate(final["output"]):
        _check_message([e for e in events if e.get("output_index") == index], item)


def _check_message(events: list[Event], item: dict[str, Any]) -> None:
    """added, part added, delta*, text done, part done, item done: the same id and text in all."""
    types = [event["type"].removeprefix("response.") for event in events]
    deltas = [event["delta"] for event in events if "delta" in event]
    assert types == [
        "output_item.added",
        "content_part.added",
        *["output_text.delta"] * len(deltas),
        "output_text.done",
        "content_part.done",
        "output_item.done",
    ]
    assert all(deltas), "an empty delta says nothing"
    ids = {event["item_id"] if "item_id" in event else event["item"]["id"] for event in events}
    assert ids == {item["id"]}
    assert {event["content_index"] for event in events if "content_index" in event} == {0}
    assert events[0]["item"] == {**item, "status": "in_progress", "content": []}
    assert events[1]["part"]["text"] == ""
    assert "".join(deltas) == events[-3]["text"] == events[-2]["part"]["text"]
    assert [part["text"] for part in item["content"]] == ["".join(deltas)]


def _check_ending(events: list[Event], final: dict[str, Any]) -> None:
    assert events[-1]["type"] == f"response.{final['status']}"
    assert (final["completed_at"] is not None) == (final["status"] == "completed")
    assert (final["error"] is not None) == (final["status"] == "failed")
    assert (final["incomplete_details"] is not None) == (final["status"] == "incomplete")
    assert (events[-2]["type"] == "error") == (final["status"] == "failed")
    expected = "completed" if final["status"] == "completed" else "incomplete"
    assert {item["status"] for item in final["output"]} <= {expected}
    usage = final["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
