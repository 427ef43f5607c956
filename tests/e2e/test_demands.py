"""What a caller demands is what it gets, from the default model, sixteen at a time.

A model of 135 million parameters would hardly get one of these right by itself.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from tests.live_server import LiveServer, start_server
from tests.schema import check_response
from tests.stream_rules import parse_stream

pytestmark = [pytest.mark.slow, pytest.mark.model]

Json = dict[str, Any]

# Each of them has an end, so that a small model comes to one.
SCHEMAS: dict[str, Json] = {
    "person": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 12},
            "address": {
                "type": "object",
                "properties": {
                    "street": {"type": "string", "maxLength": 10},
                    "zip": {"type": "string", "pattern": "^[0-9]{5}$"},
                },
                "required": ["street", "zip"],
                "additionalProperties": False,
            },
            "colours": {
                "type": "array",
                "items": {"enum": ["red", "green", "blue"]},
                "minItems": 1,
                "maxItems": 3,
            },
        },
        "required": ["name", "address", "colours"],
        "additionalProperties": False,
    },
    "value": {
        "type": "object",
        "properties": {
            "value": {
                "anyOf": [
                    {"type": "integer", "minimum": -5, "maximum": 40},
                    {"type": "string", "maxLength": 12},
                    {"type": "null"},
                ]
            },
            "kind": {"enum": ["a", "b"]},
        },
        "required": ["value", "kind"],
        "additionalProperties": False,
    },
    "box": {
        "type": "object",
        "properties": {"outer": {"$ref": "#/$defs/size"}, "inner": {"$ref": "#/$defs/size"}},
        "required": ["outer", "inner"],
        "additionalProperties": False,
        "$defs": {
            "size": {
                "type": "object",
                "properties": {
                    "width": {"type": "integer", "minimum": 1, "maximum": 99},
                    "unit": {"enum": ["mm", "cm"]},
                },
                "required": ["width", "unit"],
                "additionalProperties": False,
            }
        },
    },
    "numbers": {
        "type": "object",
        "properties": {
            "share": {"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.25},
            "count": {"type": "integer", "exclusiveMinimum": 3, "maximum": 9},
            "day": {"type": "string", "format": "date"},
            "is_open": {"type": "boolean"},
        },
        "required": ["share", "count", "day", "is_open"],
        "additionalProperties": False,
    },
}
TOOLS = [
    {"type": "function", "name": name, "parameters": schema, "strict": True}
    for name, schema in SCHEMAS.items()
]
PROMPTS = ("What is 3 plus 4?", "Tell me about Oslo.", "Who is Ann?", "Describe a box.")
NAMES = tuple(SCHEMAS)


@pytest.fixture(scope="module")
def server(default_model: Path) -> Iterator[LiveServer]:
    with start_server(str(default_model), "--kv-cache-memory", "512MiB") as server:
        server.wait_until_ready()
        yield server


def demand(index: int) -> Json:
    """Five kinds of demand, greedy and not, in turn."""
    body: Json = {
        "input": PROMPTS[index % len(PROMPTS)],
        "temperature": (0.0, 0.7, 1.0)[index % 3],
        "seed": index,
        "max_output_tokens": 1000,
        "parallel_tool_calls": False,
    }
    name = NAMES[index // 5 % len(NAMES)]
    match index % 5:
        case 0:
            return body | {"tools": TOOLS, "tool_choice": "required"}
        case 1:
            return body | {"tools": TOOLS, "tool_choice": {"type": "function", "name": name}}
        case 2:
            allowed = [{"type": "function", "name": name}]
            choice = {"type": "allowed_tools", "mode": "required", "tools": allowed}
            return body | {"tools": TOOLS, "tool_choice": choice}
        case 3:
            tool = {"type": "function", "name": "value", "parameters": SCHEMAS["value"]}
            return body | {
                "tools": [tool],
                "tool_choice": "required",
                "parallel_tool_calls": True,
            }
    form = {"type": "json_schema", "name": name, "schema": SCHEMAS[name], "strict": True}
    return body | {"text": {"format": form}}


def allowed_names(body: Json) -> set[str]:
    match body["tool_choice"]:
        case {"type": "function", "name": name}:
            return {name}
        case {"tools": tools}:
            return {tool["name"] for tool in tools}
    return {tool["name"] for tool in body["tools"]}


async def ask(client: httpx.AsyncClient, body: Json, *, streamed: bool) -> Json:
    answer = await client.post("/v1/responses", json=body | {"stream": streamed})
    assert answer.status_code == 200, answer.text
    response: Json = parse_stream(answer.text)[-1]["response"] if streamed else answer.json()
    check_response(response)
    return response


def check_is_met(body: Json, response: Json) -> None:
    assert response["status"] == "completed", response["incomplete_details"]
    if "tools" not in body:
        [message] = response["output"]
        value = json.loads(message["content"][0]["text"])
        jsonschema.validate(value, body["text"]["format"]["schema"])
        return
    calls = response["output"]
    assert {item["type"] for item in calls} == {"function_call"}
    assert len(calls) == 1 or body["parallel_tool_calls"]
    for call in calls:
        assert call["name"] in allowed_names(body)
        jsonschema.validate(json.loads(call["arguments"]), SCHEMAS[call["name"]])


async def ask_all(server: LiveServer, bodies: list[Json]) -> list[Json]:
    """Every other one streamed, sixteen at a time."""
    places = asyncio.Semaphore(16)

    async def one(client: httpx.AsyncClient, index: int, body: Json) -> Json:
        async with places:
            return await ask(client, body, streamed=index % 2 == 0)

    async with httpx.AsyncClient(base_url=server.url, timeout=280) as client:
        return await asyncio.gather(
            *[one(client, index, body) for index, body in enumerate(bodies)]
        )


async def test_100_of_100_demands_are_met(server: LiveServer) -> None:
    bodies = [demand(index) for index in range(100)]
    for body, response in zip(bodies, await ask_all(server, bodies), strict=True):
        check_is_met(body, response)


async def test_a_demanded_call_that_is_cut_off_is_incomplete(server: LiveServer) -> None:
    bodies = [demand(index) | {"max_output_tokens": 24} for index in (0, 1, 2, 5)]
    for response in await ask_all(server, bodies):
        assert response["status"] == "incomplete"
        assert response["incomplete_details"] == {"reason": "max_output_tokens"}
        assert response["output"][-1]["status"] == "incomplete"


async def test_a_schema_that_cannot_be_followed_is_refused_by_its_place(
    server: LiveServer,
) -> None:
    broken = {"type": "function", "name": "f", "strict": True, "parameters": {"type": "objekt"}}
    form = {"type": "json_schema", "name": "x", "schema": {"type": "string", "pattern": "(?=a)"}}
    refused: dict[str, Json] = {
        "tools[1].parameters": {"tools": [TOOLS[0], broken], "tool_choice": "required"},
        "text.format.schema": {"text": {"format": form}},
    }
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        for param, body in refused.items():
            answer = await client.post("/v1/responses", json={"input": "Hi", **body})
            assert answer.status_code == 400
            assert answer.json()["error"]["param"] == param


async def test_log_probabilities_under_a_demand_are_those_of_what_was_allowed(
    server: LiveServer,
) -> None:
    form = {"type": "json_schema", "name": "x", "schema": SCHEMAS["value"]}
    body = {"input": "Hi", "text": {"format": form}, "top_logprobs": 3, "temperature": 0}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        response = await ask(client, body, streamed=True)
    part = response["output"][0]["content"][0]
    assert (
        bytes(byte for entry in part["logprobs"] for byte in entry["bytes"]).decode()
        == (part["text"])
    )
    for entry in part["logprobs"]:
        assert entry["logprob"] == entry["top_logprobs"][0]["logprob"] <= 0
