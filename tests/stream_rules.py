"""What holds for every stream of events, whatever was said in it."""

import json
from typing import Any

from tests.schema import check_event, check_response

STATES = ("created", "queued", "in_progress")
QUEUED = "response.queued"
ANNOTATED = "response.output_text.annotation.added"
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


def check_stream(events: list[Event], *, is_on_socket: bool = False) -> None:
    """`is_on_socket`: a turn that fails ends with one message there, and not with two."""
    for event in events:
        check_event(event)
    types = [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    _check_opening(events)
    assert [kind for kind in types if kind in TERMINAL] == types[-1:]
    final = events[-1]["response"]
    check_response(final)
    assert {e["response"]["id"] for e in events if "response" in e} == {final["id"]}
    _check_items(events, final)
    _check_ending(events, final)
    assert (events[-2]["type"] == "error") == (final["status"] == "failed" and not is_on_socket)


def _check_opening(events: list[Event]) -> None:
    """What is queued says so; all the rest is in progress at once."""
    is_queued = events[0]["response"]["background"]
    opening = [QUEUED, "response.in_progress"] if is_queued else ["response.in_progress"]
    told = [event for event in events if event["type"].removeprefix("response.") in STATES]
    assert [event["type"] for event in told[:1]] == ["response.created"]
    told_in_order = [event["type"] for event in told[1:]]
    assert told_in_order == opening[: len(told_in_order)]
    assert told_in_order or not is_queued
    statuses = [event["response"]["status"] for event in told]
    assert statuses == (
        ["queued", "queued", "in_progress"][: len(told)]
        if is_queued
        else ["in_progress"] * len(told)
    )
    assert events[: len(told)] == told


def _check_items(events: list[Event], final: dict[str, Any]) -> None:
    done = [event for event in events if event["type"] == "response.output_item.done"]
    added = [event for event in events if event["type"] == "response.output_item.added"]
    assert [event["item"] for event in done] == final["output"]
    assert [event["output_index"] for event in added] == list(range(len(final["output"])))
    for index, item in enumerate(final["output"]):
        of_item = [e for e in events if e.get("output_index") == index]
        _check_life(of_item, item)
        CHECKS[item["type"]](of_item, item)


def _check_life(events: list[Event], item: dict[str, Any]) -> None:
    """added first and done last, the same id and place in everything between."""
    assert events[0]["type"] == "response.output_item.added"
    assert events[-1]["type"] == "response.output_item.done"
    ids = {event["item_id"] if "item_id" in event else event["item"]["id"] for event in events}
    assert ids == {item["id"]}
    assert {event["content_index"] for event in events if "content_index" in event} <= {0}
    assert all(event["delta"] for event in events if "delta" in event), "an empty delta is nothing"


def _check_part(
    events: list[Event], item: dict[str, Any], kind: str, field: str = "text"
) -> list[Event]:
    """part added, delta*, text done, part done: the same text in all. Gives what lies around."""
    part = [event for event in events if "content_index" in event]
    noted = [event for event in part if event["type"] == ANNOTATED]
    deltas = [event["delta"] for event in part if "delta" in event]
    types = [event["type"].removeprefix("response.") for event in part if event not in noted]
    assert types == [
        "content_part.added",
        *[f"{kind}.delta"] * len(deltas),
        f"{kind}.done",
        "content_part.done",
    ]
    assert events[1 : 1 + len(part)] == part
    assert part[0]["part"][field] == ""
    assert "".join(deltas) == part[-2][field] == part[-1]["part"][field]
    assert item["content"] == [part[-1]["part"]]
    assert [event["annotation_index"] for event in noted] == list(range(len(noted)))
    annotations = item["content"][0].get("annotations", [])
    assert [event["annotation"] for event in noted] == annotations
    return events[1 + len(part) : -1]


def _check_message(events: list[Event], item: dict[str, Any]) -> None:
    assert events[0]["item"] == {**item, "status": "in_progress", "content": []}
    if item["content"][0]["type"] == "refusal":
        assert not _check_part(events, item, "refusal", "refusal")
        return
    assert not _check_part(events, item, "output_text")
    logprobs = [
        entry for event in events for entry in event.get("logprobs", []) if "delta" in event
    ]
    assert logprobs == events[-3]["logprobs"] == item["content"][0]["logprobs"]


def _check_reasoning(events: list[Event], item: dict[str, Any]) -> None:
    summary = _check_part(events, item, "reasoning")
    opened = {**item, "status": "in_progress", "content": [], "summary": []}
    opened.pop("encrypted_content", None)
    assert events[0]["item"] == opened
    _check_summary(summary, item)


def _check_summary(events: list[Event], item: dict[str, Any]) -> None:
    if not item["summary"]:
        assert not events
        return
    kinds = ["part.added", "text.delta", "text.done", "part.done"]
    types = [event["type"].removeprefix("response.reasoning_summary_") for event in events]
    assert types == kinds
    assert {event["summary_index"] for event in events} == {0}
    text = events[1]["delta"]
    assert text == events[2]["text"] == events[3]["part"]["text"]
    assert item["summary"] == [events[3]["part"]]


def _check_compaction(events: list[Event], item: dict[str, Any]) -> None:
    assert [event["item"] for event in events] == [item, item]


def _check_call(events: list[Event], item: dict[str, Any], kind: str, field: str) -> None:
    deltas = [event["delta"] for event in events if "delta" in event]
    assert [event["type"].removeprefix("response.") for event in events[1:-1]] == [
        *[f"{kind}.delta"] * len(deltas),
        f"{kind}.done",
    ]
    assert events[0]["item"] == {**item, "status": "in_progress", field: ""}
    assert "".join(deltas) == events[-2][field] == item[field]


def _check_function_call(events: list[Event], item: dict[str, Any]) -> None:
    _check_call(events, item, "function_call_arguments", "arguments")
    if item["status"] == "completed":
        assert isinstance(json.loads(item["arguments"]), dict)


def _check_custom_call(events: list[Event], item: dict[str, Any]) -> None:
    _check_call(events, item, "custom_tool_call_input", "input")


CHECKS = {
    "compaction": _check_compaction,
    "message": _check_message,
    "reasoning": _check_reasoning,
    "function_call": _check_function_call,
    "custom_tool_call": _check_custom_call,
}


def _check_ending(events: list[Event], final: dict[str, Any]) -> None:
    is_cancelled = final["status"] == "cancelled"
    assert events[-1]["type"] == f"response.{'incomplete' if is_cancelled else final['status']}"
    assert (final["completed_at"] is not None) == (final["status"] == "completed")
    assert (final["error"] is not None) == (final["status"] == "failed")
    assert (final["incomplete_details"] is not None) == (
        final["status"] in ("incomplete", "cancelled")
    )
    statuses = [item["status"] for item in final["output"]]
    assert set(statuses[:-1]) <= {"completed"}, "an incomplete item is the last one"
    assert final["status"] != "completed" or set(statuses) == {"completed"}
    call_ids = [item["call_id"] for item in final["output"] if "call_id" in item]
    assert len(call_ids) == len(set(call_ids))
    usage = final["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
