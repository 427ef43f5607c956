"""The OpenAPI document of what is served: FastAPI's own, and the shapes of requests and events.

Bodies are read and events are written without FastAPI, so it has to be told about them.
"""

from typing import Any, Literal

from fastapi import FastAPI
from pydantic import TypeAdapter

from antiphon.server.protocol.events import StreamingEvent, WebSocketErrorEvent
from antiphon.server.protocol.requests import CompactBody, CreateResponseBody

COMPONENTS = "#/components/schemas/"


class DescribedApp(FastAPI):
    """A FastAPI whose document also holds the components that only this module knows."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
        if "StreamingEvent" not in schemas:
            schemas.update(response_components())
            document["paths"]["/v1/responses"]["x-openresponses-websocket"] = websocket_operation()
        return document


def create_response_operation() -> dict[str, Any]:
    """What FastAPI cannot see of `POST /v1/responses`: its body and its two kinds of answer."""
    return {
        "requestBody": _request_body("CreateResponseBody"),
        "responses": {
            "200": {
                "description": "The response, or its events when `stream` is true.",
                "content": {
                    "application/json": _reference("ResponseResource"),
                    "text/event-stream": _reference("StreamingEvent"),
                },
            }
        },
    }


def websocket_operation() -> dict[str, Any]:
    """The connection at the same path, which OpenAPI has no words for."""
    return {
        "description": "One response.create a frame in, one event a frame out.",
        "clientMessage": _reference("CreateResponseBody")["schema"],
        "serverMessage": _reference("StreamingEvent")["schema"],
        "errorMessage": _reference("WebSocketErrorEvent")["schema"],
    }


def compact_operation() -> dict[str, Any]:
    """The body of `POST /v1/responses/compact`."""
    return {"requestBody": _request_body("CompactBody")}


def response_components() -> dict[str, Any]:
    """Every schema that the operations here refer to."""
    wire: list[tuple[str, Literal["validation", "serialization"], TypeAdapter[Any]]] = [
        ("body", "validation", TypeAdapter(CreateResponseBody)),
        ("compact", "validation", TypeAdapter(CompactBody)),
        ("websocket", "serialization", TypeAdapter(WebSocketErrorEvent)),
        ("event", "serialization", TypeAdapter(StreamingEvent)),
    ]
    schemas, definitions = TypeAdapter.json_schemas(wire, ref_template=COMPONENTS + "{model}")
    return {**definitions["$defs"], "StreamingEvent": schemas["event", "serialization"]}


def _request_body(name: str) -> dict[str, Any]:
    """As JSON, or as a form."""
    body = _reference(name)
    content = {"application/json": body, "application/x-www-form-urlencoded": body}
    return {"required": True, "content": content}


def _reference(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": COMPONENTS + name}}
