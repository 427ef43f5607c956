"""The published Open Responses schema, where it lies beside the checkout."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA_FILE = Path(__file__).parents[2] / "shared" / "spec" / "openapi-2026-04-24.json"

CUSTOM_TOOL_EVENTS = {
    "response.custom_tool_call_input.delta",
    "response.custom_tool_call_input.done",
}


def has_published_schema() -> bool:
    return SCHEMA_FILE.is_file()


@cache
def published_components() -> dict[str, Any]:
    """Every published schema by name; empty where the file is absent."""
    if not has_published_schema():
        return {}
    schemas: dict[str, Any] = json.loads(SCHEMA_FILE.read_text())["components"]["schemas"]
    return schemas


def check_response(response: dict[str, Any]) -> None:
    """What comes of a custom tool is OpenAI's, and unknown to the standard."""
    _check("ResponseResource", _without_custom_tools(response))


def check_event(event: dict[str, Any]) -> None:
    """An event is checked against the one schema of its type: an unknown type fails."""
    if not has_published_schema() or _is_of_custom_tool(event):
        return
    if "response" in event:
        event = {**event, "response": _without_custom_tools(event["response"])}
    _check(_event_schemas()[event["type"]], event)


def _is_of_custom_tool(event: dict[str, Any]) -> bool:
    item = event.get("item", {})
    return item.get("type") == "custom_tool_call" or event["type"] in CUSTOM_TOOL_EVENTS


def _without_custom_tools(response: dict[str, Any]) -> dict[str, Any]:
    is_chosen = "custom" in json.dumps(response["tool_choice"])
    return {
        **response,
        "output": [item for item in response["output"] if item["type"] != "custom_tool_call"],
        "tools": [tool for tool in response["tools"] if tool["type"] != "custom"],
        "tool_choice": "auto" if is_chosen else response["tool_choice"],
    }


def _check(name: str, value: dict[str, Any]) -> None:
    if not has_published_schema():
        return
    errors = sorted(_validator(name).iter_errors(value), key=str)
    assert not errors, f"{name}: {errors[0].json_path}: {errors[0].message}"


@cache
def _validator(name: str) -> Draft202012Validator:
    root = {
        "$ref": f"#/components/schemas/{name}",
        "components": {"schemas": published_components()},
    }
    return Draft202012Validator(root)


@cache
def _event_schemas() -> dict[str, str]:
    return {
        schema["properties"]["type"]["enum"][0]: name
        for name, schema in published_components().items()
        if name.endswith("StreamingEvent")
    }
