"""Tools of a chat request as those of a response's request."""

from collections.abc import Sequence

from pydantic import JsonValue

from antiphon.server.chat_completions.posted_json import Json, list_at, object_at, picked
from antiphon.server.chat_completions.request_places import RequestPlaces

# Each kind of tool keeps all but its type in an object that is called like the kind.
KINDS = ("function", "custom")


class ToolParams:
    """What has no shape of a tool is left as it is: whoever reads the tools refuses it."""

    def __init__(self, places: RequestPlaces) -> None:
        self._places = places

    def tools(self, posted: Sequence[JsonValue]) -> list[JsonValue]:
        return [self._tool(tool, f"tools[{index}]") for index, tool in enumerate(posted)]

    def choice(self, posted: JsonValue) -> JsonValue:
        """Raises InvalidParameter."""
        if isinstance(posted, dict) and posted.get("type") == "allowed_tools":
            return self._allowed(object_at(posted, "allowed_tools"))
        return self._unfolded(posted, "tool_choice", "tool_choice")

    def _tool(self, posted: JsonValue, param: str) -> JsonValue:
        tool = self._unfolded(posted, param, param)
        if isinstance(tool, dict) and "grammar" in (asked := object_at(tool, "format")):
            keys = {"syntax": "syntax", "definition": "definition"}
            self._places.add_keys(f"{param}.format", f"{param}.custom.format.grammar", **keys)
            return {**tool, "format": {**object_at(asked, "grammar"), **picked(asked, type="type")}}
        return tool

    def _allowed(self, posted: Json) -> JsonValue:
        inner = "tool_choice.allowed_tools"
        self._places.add("tool_choice.mode", f"{inner}.mode")
        self._places.add("tool_choice.tools", f"{inner}.tools")
        tools: list[JsonValue] = [
            self._unfolded(tool, f"tool_choice.tools[{index}]", f"{inner}.tools[{index}]")
            for index, tool in enumerate(list_at(posted, "tools", f"{inner}.tools"))
        ]
        return {"type": "allowed_tools", "tools": tools, **picked(posted, mode="mode")}

    def _unfolded(self, posted: JsonValue, place: str, param: str) -> JsonValue:
        if not isinstance(posted, dict) or (kind := posted.get("type")) not in KINDS:
            return posted
        self._places.add(place, f"{param}.{kind}")
        self._places.add(f"{place}.type", f"{param}.type")
        return {**object_at(posted, str(kind)), "type": kind}
