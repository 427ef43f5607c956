"""Our rendering of the suite's validator and parser is as strict as they are, and no stricter."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.acceptance.official_events import EVENTS, check_official_event
from tests.acceptance.official_schema import Response
from tests.acceptance.official_stream import OfficialStream
from tests.acceptance.specimen import MESSAGE, RESPONSE
from tests.schema import has_published_schema, published_components

TEXT = {"type": "output_text", "text": "", "annotations": []}
CALL = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}"}
TOOL = {"type": "function", "name": "f", "description": None, "parameters": None, "strict": None}
REASONING = {"type": "reasoning", "id": "rs", "summary": []}
SCHEMA_FORMAT = {"type": "json_schema", "name": "f", "description": None, "strict": False}
NUMBERS = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "top_logprobs")
EVENT = b'event: response.created\ndata: {"type": "response.created"}\n\n'


def with_item(item: dict[str, Any]) -> dict[str, Any]:
    return {"output": [item]}


REFUSED: dict[str, dict[str, Any]] = {
    **{f"{name} is null": {name: None} for name in NUMBERS},
    "reasoning is empty": {"reasoning": {}},
    "verbosity is null": {"text": {"format": {"type": "text"}, "verbosity": None}},
    "tool lacks strict": {"tools": [{k: v for k, v in TOOL.items() if k != "strict"}]},
    "tool is hosted": {"tools": [{"type": "file_search"}]},
    "allowed tools lack their mode": {"tool_choice": {"type": "allowed_tools", "tools": []}},
    "error has no code": {"error": {"code": None, "message": "It failed."}},
    "call has no status": with_item(CALL),
    "call has failed": with_item({**CALL, "status": "failed"}),
    "text has no annotations": with_item(
        {**MESSAGE, "content": [{"type": "output_text", "text": ""}]}
    ),
    "phase is null": with_item({**MESSAGE, "phase": None}),
    "message has failed": with_item({**MESSAGE, "status": "failed"}),
    "reasoning lacks its summary": with_item({"type": "reasoning", "id": "rs"}),
    "reasoning's content is null": with_item({**REASONING, "content": None}),
    "reasoning's encryption is null": with_item({**REASONING, "encrypted_content": None}),
    "item is of somebody's own": with_item({"type": "acme:search", "id": "x", "status": "done"}),
    "schema is repeated": {"text": {"format": {**SCHEMA_FORMAT, "schema": {}}}},
}

TAKEN: dict[str, dict[str, Any]] = {
    "unknown keys": {"acme_note": 1, **with_item({**MESSAGE, "acme_note": 1})},
    "any metadata": {"metadata": None},
    "any status": {"status": "cancelled"},
    "no usage": {"usage": None},
    "no log probabilities": with_item({**MESSAGE, "content": [TEXT]}),
    "reasoning without content": with_item(REASONING),
    "a tool of nulls": {"tools": [TOOL]},
    "a schema that is null": {"text": {"format": {**SCHEMA_FORMAT, "schema": None}}},
}


@pytest.mark.parametrize("name", REFUSED)
def test_validator_refuses_a_response_whose(name: str) -> None:
    with pytest.raises(ValidationError):
        Response.model_validate({**RESPONSE, **REFUSED[name]})


@pytest.mark.parametrize("name", NUMBERS)
def test_validator_refuses_a_response_without(name: str) -> None:
    with pytest.raises(ValidationError):
        Response.model_validate({k: v for k, v in RESPONSE.items() if k != name})


@pytest.mark.parametrize("name", TAKEN)
def test_validator_takes_a_response_with(name: str) -> None:
    Response.model_validate({**RESPONSE, **TAKEN[name]})


def test_validator_knows_24_events_and_no_names_but_the_standards() -> None:
    assert len(EVENTS) == 24
    for unknown in ("response.reasoning_text.delta", "acme:trace_event"):
        with pytest.raises(AssertionError):
            check_official_event({"type": unknown, "sequence_number": 0})


@pytest.mark.skipif(not has_published_schema(), reason="the published schema is absent")
def test_validator_knows_the_same_events_as_the_published_schema() -> None:
    published = {
        schema["properties"]["type"]["enum"][0]
        for name, schema in published_components().items()
        if name.endswith("StreamingEvent")
    }
    assert published == set(EVENTS)


@pytest.mark.parametrize(
    ("pieces", "num_events"),
    [
        ([EVENT], 1),
        ([EVENT + EVENT], 2),
        ([EVENT[:30], EVENT[30:]], 1),  # the line is put together again
        ([EVENT[:-1], EVENT[-1:]], 0),
        ([EVENT.replace(b"\n", b"\r\n")], 0),
        ([b"data: [DONE]\n\n"], 0),
    ],
)
def test_parser_loses_events_whose_end_comes_late(pieces: list[bytes], num_events: int) -> None:
    stream = OfficialStream()
    for piece in pieces:
        stream.feed(piece)
    assert len(stream.events) == num_events
