"""What the standard demands of items, parts and their events, by the numbers of its checklist."""

from collections import defaultdict
from typing import Any

import pytest

from antiphon.models.language_side import LanguageSide
from tests.acceptance.model_outputs import FAILED, INCOMPLETE, OUTPUTS, THOUGHT, TOOLS
from tests.acceptance.official_events import (
    EVENTS,
    check_official_event,
    check_official_response,
)
from tests.acceptance.recorded_streams import RecordedStream
from tests.acceptance.speaking_engine import SpeakingEngine
from tests.fake_engine import FakeEngine, Script
from tests.serving import Client, EncodePieces, make_context
from tests.stream_rules import TERMINAL, Event

pytestmark = pytest.mark.slow

ADDED, DONE = "response.output_item.added", "response.output_item.done"
PART_ADDED, PART_DONE = "response.content_part.added", "response.content_part.done"
# What streams inside a part, by the part's type.
CONTENT = {"output_text": "response.output_text", "reasoning_text": "response.reasoning"}
STANDARD_ITEMS = {"message", "function_call", "function_call_output", "reasoning", "compaction"}
STATES = {"response.created", "response.queued", "response.in_progress", *TERMINAL, "error"}


@pytest.fixture(params=OUTPUTS)
def stream(
    request: pytest.FixtureRequest, streams: dict[tuple[str, str], RecordedStream]
) -> RecordedStream:
    """One for every kind of output."""
    return streams["posted", request.param]


@pytest.fixture
def events(stream: RecordedStream) -> list[Event]:
    return stream.events


def final(events: list[Event]) -> dict[str, Any]:
    response: dict[str, Any] = events[-1]["response"]
    return response


def by_item(events: list[Event]) -> dict[int, list[Event]]:
    """The events of each item, by its place."""
    grouped: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        if "output_index" in event:
            grouped[event["output_index"]].append(event)
    return grouped


def by_part(events: list[Event]) -> dict[tuple[str, int], list[Event]]:
    """The events of each part, by its item and its place in it."""
    grouped: dict[tuple[str, int], list[Event]] = defaultdict(list)
    for event in events:
        if "content_index" in event:
            grouped[event["item_id"], event["content_index"]].append(event)
    return grouped


def types(events: list[Event]) -> list[str]:
    return [event["type"] for event in events]


def test_29_item_is_in_progress_first_and_ends_completed_or_incomplete(events: list[Event]) -> None:
    for of_item in by_item(events).values():
        assert of_item[0]["item"]["status"] == "in_progress"
        assert of_item[-1]["item"]["status"] in ("completed", "incomplete")


def test_30_incomplete_item_is_the_last_and_its_response_is_no_complete_one(
    stream: RecordedStream, events: list[Event]
) -> None:
    response = final(events)
    statuses = [item["status"] for item in response["output"]]
    assert "incomplete" not in statuses[:-1]
    if stream.output in FAILED:
        assert response["status"] == "failed"
    else:
        is_incomplete = stream.output in INCOMPLETE
        assert (statuses[-1] == "incomplete") == is_incomplete
        assert (response["status"] == "incomplete") == is_incomplete
        assert (events[-1]["type"] == "response.incomplete") == is_incomplete


def test_31_nothing_comes_of_an_item_that_is_done(events: list[Event]) -> None:
    for of_item in by_item(events).values():
        assert types(of_item).index(DONE) == len(of_item) - 1
        assert of_item[-1]["item"] in final(events)["output"]


def test_32_item_begins_with_what_is_known_of_it(events: list[Event]) -> None:
    known = {"message": "role", "function_call": "name"}
    for of_item in by_item(events).values():
        assert of_item[0]["type"] == ADDED
        first, last = of_item[0]["item"], of_item[-1]["item"]
        key = known.get(first["type"], "id")
        assert first[key]
        assert first[key] == last[key]


def test_33_whatever_may_not_be_null_has_a_value(events: list[Event]) -> None:
    for event in events:
        check_official_event(event)
    check_official_response(final(events))


def test_34_content_that_streams_is_backed_by_a_part(events: list[Event]) -> None:
    parts = by_part(events)
    for item in final(events)["output"]:
        for index, part in enumerate(item.get("content", [])):
            assert parts.pop((item["id"], index))[-1]["part"] == part
    assert not parts


def test_35_part_is_added_then_streamed_then_done(events: list[Event]) -> None:
    for of_part in by_part(events).values():
        kind = CONTENT[of_part[0]["part"]["type"]]
        assert types(of_part) == [
            PART_ADDED,
            *[f"{kind}.delta"] * (len(of_part) - 3),
            f"{kind}.done",
            PART_DONE,
        ]
        text = "".join(event["delta"] for event in of_part[1:-2])
        assert text == of_part[-2]["text"] == of_part[-1]["part"]["text"]


def test_36_item_closes_behind_its_last_part(events: list[Event]) -> None:
    for of_item in by_item(events).values():
        assert of_item[-1]["type"] == DONE
        if of_item[-1]["item"]["type"] != "function_call":
            assert of_item[-2]["type"] == PART_DONE


def test_37_59_and_63_items_have_the_standards_types(events: list[Event]) -> None:
    """What is not the standard's appears only where a request asks for it (custom tools)."""
    assert {item["type"] for item in final(events)["output"]} <= STANDARD_ITEMS


@pytest.mark.parametrize(
    "content",
    [
        "Hello Bob",
        [{"type": "input_text", "text": "Hello Bob"}],
        [{"type": "input_text", "text": "Hello"}, {"type": "input_text", "text": "Bob"}],
    ],
)
async def test_38_user_content_may_be_text_in_any_form(
    content: object, client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    await client.respond(input=[{"role": "user", "content": content}])
    prompt = language_side.tokenizer.decode(engine.generations[0].prompt_token_ids)
    assert prompt.replace("Hello\nBob", "Hello Bob") == "user\nHello Bob\nassistant\n"


async def test_39_reasoning_streams_and_can_be_sealed_summarised_and_sent_back(
    language_side: LanguageSide, said: EncodePieces
) -> None:
    def reply(prompt: str) -> Script:
        return Script(said("In short.") if "thoughts" in prompt else said(THOUGHT, "Hello"))

    engine = SpeakingEngine(language_side, reply)
    client = Client(make_context(engine, language_side))
    events = await client.stream(
        include=["reasoning.encrypted_content"], reasoning={"summary": "concise"}
    )
    reasoning = final(events)["output"][0]
    assert reasoning["content"] == [{"type": "reasoning_text", "text": "Let me see."}]
    assert reasoning["summary"] == [{"type": "summary_text", "text": "In short."}]
    assert "response.reasoning.delta" in types(events)
    assert "Let me see." not in reasoning["encrypted_content"]
    sealed = {k: v for k, v in reasoning.items() if k != "content"}
    assert await client.respond(input=[{"role": "user", "content": "Hi"}, sealed])


def test_40_error_in_a_stream_says_all_and_the_failed_response_follows(
    stream: RecordedStream, events: list[Event]
) -> None:
    is_failed = stream.output in FAILED
    assert types(events).count("error") == is_failed
    if is_failed:
        error = events[-2]["error"]
        assert error.keys() == {"type", "code", "message", "param"}
        assert error["type"] in ("server_error", "model_error")
        assert events[-1]["type"] == "response.failed"
        told = {"code": error["code"], "message": error["message"]}
        assert final(events)["error"] == told


def test_41_event_is_a_delta_or_a_change_of_state(events: list[Event]) -> None:
    for event in events:
        assert event["type"] in EVENTS
        is_delta = event["type"].endswith(".delta")
        is_state = event["type"] in STATES or event["type"].endswith((".added", ".done"))
        assert is_delta != is_state
        assert ("delta" in event) == is_delta


def test_42_all_that_streams_is_added_then_streamed_then_done(events: list[Event]) -> None:
    for of_item in by_item(events).values():
        phases = [kind.rsplit(".", 1)[1] for kind in types(of_item)]
        assert phases == sorted(phases, key=("added", "delta", "done").index)


SENT = [
    {"role": "user", "content": "Hi"},
    {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm."}]},
    {"type": "function_call", "call_id": "c", "name": "get_weather", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": "5"},
]


def check_identified(item: dict[str, Any]) -> None:
    assert item["id"]
    assert item["type"] in STANDARD_ITEMS
    assert item["status"] in ("in_progress", "completed", "incomplete")


async def test_61_every_item_has_id_type_and_status_made_or_sent(
    output: str, client: Client
) -> None:
    response = await client.respond(input=SENT, tools=TOOLS)
    listed = await client.http.get(f"/v1/responses/{response['id']}/input_items")
    assert len(listed.json()["data"]) == len(SENT)
    for item in [*response["output"], *listed.json()["data"]]:
        check_identified(item)


async def test_61_items_of_a_compacted_window_have_id_type_and_status(client: Client) -> None:
    posted = {"model": "tiny", "input": [*SENT, {"role": "user", "content": "More"}]}
    window = (await client.http.post("/v1/responses/compact", json=posted)).json()
    assert {item["type"] for item in window["output"]} == {"compaction", "message"}
    for item in window["output"]:
        check_identified(item)


async def test_62_item_ids_are_unique_and_refer_to_their_items(
    output: str, client: Client, engine: FakeEngine, language_side: LanguageSide
) -> None:
    responses = [await client.respond(tools=TOOLS) for _ in range(2)]
    items = [item for response in responses for item in response["output"]]
    assert len({item["id"] for item in items}) == len(items)
    for item in items:
        user = {"role": "user", "content": "Hi"}
        referring = {"type": "item_reference", "id": item["id"]}
        answers = [
            await client.http.post("/v1/responses/input_tokens", json={"input": [user, said]})
            for said in (referring, item)
        ]
        assert answers[0].status_code == 200
        assert answers[0].json() == answers[1].json()


async def test_68_events_beyond_the_standard_have_a_type_and_a_number_in_the_sequence(
    client: Client, engine: FakeEngine, said: EncodePieces
) -> None:
    """Of custom tools, which are OpenAI's: the only ones there are."""
    call = '<tool_call>{"name": "patch", "arguments": {"input": "a"}}</tool_call>'
    engine.script = Script(said("Hello", call))
    events = await client.stream(tools=[{"type": "custom", "name": "patch"}])
    beyond = [event for event in events if event["type"] not in EVENTS]
    kinds = {event["type"].rsplit(".", 1)[0] for event in beyond}
    assert kinds == {"response.custom_tool_call_input"}
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
