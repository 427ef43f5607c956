"""What the standard demands of HTTP answers and streams, by the numbers of its checklist."""

import itertools
import json

import pytest

from tests.acceptance.model_outputs import FAILED, OUTPUTS, TOOLS
from tests.acceptance.recorded_streams import WAYS, RecordedStream
from tests.serving import Client

pytestmark = pytest.mark.slow

DONE = "data: [DONE]"


@pytest.fixture(params=itertools.product(WAYS, OUTPUTS), ids=": ".join)
def stream(
    request: pytest.FixtureRequest, streams: dict[tuple[str, str], RecordedStream]
) -> RecordedStream:
    return streams[request.param]


async def test_04_plain_answer_is_json_and_nothing_else(client: Client, output: str) -> None:
    answer = await client.http.post("/v1/responses", json={"input": "Hi", "tools": TOOLS})
    assert answer.status_code == (500 if output in FAILED else 200)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["object"] == "response"


async def test_04_refusal_is_json_too(client: Client) -> None:
    answer = await client.http.post("/v1/responses", json={"input": 5, "stream": True})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"error"}


def test_05_stream_is_declared_as_one_and_its_data_is_json(stream: RecordedStream) -> None:
    assert stream.answer.headers["content-type"].split(";")[0] == "text/event-stream"
    lines = [line for line in stream.text.split("\n") if line.startswith("data:")]
    assert len(lines) > 2
    for line in lines[:-1]:
        assert isinstance(json.loads(line.removeprefix("data: ")), dict)


def test_06_last_event_is_the_literal_done_and_no_other_is(stream: RecordedStream) -> None:
    assert stream.text.endswith(f"\n\n{DONE}\n\n")
    assert stream.text.count("[DONE]") == 1


def test_07_sse_event_equals_body_type(stream: RecordedStream) -> None:
    blocks = stream.text.removesuffix("\n\n").split("\n\n")
    for block in blocks[:-1]:
        event, data = block.split("\n")
        assert event == f"event: {json.loads(data.removeprefix('data: '))['type']}"


def test_08_sse_has_no_ids_and_nothing_but_events_and_data(stream: RecordedStream) -> None:
    fields = {line.split(":")[0] for line in stream.text.split("\n") if line}
    assert fields == {"event", "data"}
