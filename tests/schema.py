"""The published Open Responses schema, where it lies beside the checkout, and our own beyond it."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA_FILE = Path(__file__).parents[2] / "shared" / "spec" / "openapi-2026-04-24.json"
EXTENSIONS_FILE = Path(__file__).parents[1] / "docs" / "extensions.md"
EXTENSION = re.compile(r"^### (\w+)\n\n```json\n(.+?)\n```", re.MULTILINE | re.DOTALL)

Json = dict[str, Any]

# What only a request for it brings about, by its type; docs/extensions.md has the schemas.
EXTENSION_ITEMS = {
    "custom_tool_call": "CustomToolCall",
    "custom_tool_call_output": "CustomToolCallOutput",
}
EXTENSION_TOOLS = {"custom": "CustomTool", "namespace": "NamespaceTool"}
EXTENSION_EVENTS = {
    "response.custom_tool_call_input.delta": "ResponseCustomToolCallInputDeltaStreamingEvent",
    "response.custom_tool_call_input.done": "ResponseCustomToolCallInputDoneStreamingEvent",
}


def has_published_schema() -> bool:
    return SCHEMA_FILE.is_file()


@cache
def published_components() -> Json:
    """Every published schema by name; empty where the file is absent."""
    if not has_published_schema():
        return {}
    schemas: Json = json.loads(SCHEMA_FILE.read_text())["components"]["schemas"]
    return schemas


def check_response(response: Json) -> None:
    _check_published("ResponseResource", _without_extensions(response))


def check_compaction(resource: Json) -> None:
    _check_published("CompactResource", resource)


def check_item(item: Json) -> None:
    extension = EXTENSION_ITEMS.get(item["type"])
    if extension is not None:
        _check_extension(extension, item)
    else:
        _check_published("ItemField", item)


def check_event(event: Json) -> None:
    """An event is checked against the one schema of its type: an unknown type fails."""
    extension = EXTENSION_EVENTS.get(event["type"])
    if extension is not None:
        _check_extension(extension, event)
        return
    if event.get("item", {}).get("type") in EXTENSION_ITEMS:
        check_item(event["item"])
        event = {**event, "item": None}
    if "response" in event:
        event = {**event, "response": _without_extensions(event["response"])}
    if has_published_schema():
        _check_published(_event_schemas()[event["type"]], event)


def _without_extensions(response: Json) -> Json:
    """What is left when all that is ours was checked against our own schemas."""
    for item in response["output"]:
        if item["type"] in EXTENSION_ITEMS:
            check_item(item)
    for tool in response["tools"]:
        if tool["type"] in EXTENSION_TOOLS:
            _check_extension(EXTENSION_TOOLS[tool["type"]], tool)
    return {
        **response,
        "output": [item for item in response["output"] if item["type"] not in EXTENSION_ITEMS],
        "tools": [tool for tool in response["tools"] if tool["type"] not in EXTENSION_TOOLS],
        "tool_choice": _without_extended_choice(response["tool_choice"]),
    }


def _without_extended_choice(choice: Json | str) -> Json | str:
    if isinstance(choice, str):
        return choice
    named = choice["tools"] if choice["type"] == "allowed_tools" else [choice]
    extended = [tool for tool in named if tool["type"] == "custom"]
    for tool in extended:
        _check_extension("NamedTool", tool)
    return "auto" if extended else choice


def _check_published(name: str, value: Json) -> None:
    if has_published_schema():
        _check(_published_validator(name), name, value)


def _check_extension(name: str, value: Json) -> None:
    _check(_extension_validators()[name], name, value)


def _check(validator: Draft202012Validator, name: str, value: Json) -> None:
    errors = sorted(validator.iter_errors(value), key=str)
    assert not errors, f"{name}: {errors[0].json_path}: {errors[0].message}"


@cache
def _published_validator(name: str) -> Draft202012Validator:
    root = {
        "$ref": f"#/components/schemas/{name}",
        "components": {"schemas": published_components()},
    }
    return Draft202012Validator(root)


@cache
def _extension_validators() -> dict[str, Draft202012Validator]:
    """By the names that docs/extensions.md gives them."""
    return {
        name: Draft202012Validator(json.loads(schema))
        for name, schema in EXTENSION.findall(EXTENSIONS_FILE.read_text())
    }


@cache
def _event_schemas() -> dict[str, str]:
    return {
        schema["properties"]["type"]["enum"][0]: name
        for name, schema in published_components().items()
        if name.endswith("StreamingEvent")
    }
