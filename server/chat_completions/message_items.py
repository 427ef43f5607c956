"""Messages of a chat as items of a response's input."""

from collections.abc import Sequence

from pydantic import JsonValue

from antiphon.server.chat_completions.posted_json import Json, list_at, object_at, picked
from antiphon.server.chat_completions.request_places import RequestPlaces
from antiphon.server.protocol.errors import UnsupportedParameter

FILE_KEYS = ("filename", "file_data", "file_url", "file_id")


class MessageItems:
    """What has no shape of a message is left as it is: whoever reads the items refuses it."""

    def __init__(self, places: RequestPlaces) -> None:
        self._places = places
        self._items: list[JsonValue] = []

    def of(self, messages: Sequence[JsonValue]) -> list[JsonValue]:
        """Raises InvalidParameter or UnsupportedParameter."""
        for index, message in enumerate(messages):
            self._add_message(message, f"messages[{index}]")
        return self._items

    def _add(self, item: JsonValue, posted: str) -> str:
        """Gives the item's own path."""
        place = f"input[{len(self._items)}]"
        self._places.add(place, posted)
        self._items.append(item)
        return place

    def _add_message(self, message: JsonValue, param: str) -> None:
        if not isinstance(message, dict):
            self._add(message, param)
            return
        match message.get("role"):
            case "tool":
                self._add_output(message, param)
            case "assistant":
                self._add_assistant(message, param)
            case _:
                self._add_said(message, param)

    def _add_said(self, message: Json, param: str) -> None:
        item: Json = {"type": "message", **picked(message, role="role", content="content")}
        place = self._add(item, param)
        if isinstance(parts := message.get("content"), list):
            item["content"] = [
                self._part(part, f"{place}.content[{index}]", f"{param}.content[{index}]")
                for index, part in enumerate(parts)
            ]

    def _part(self, part: JsonValue, place: str, param: str) -> JsonValue:
        if not isinstance(part, dict):
            return part
        match part.get("type"):
            case "image_url":
                self._places.add_keys(place, f"{param}.image_url", image_url="url", detail="detail")
                image = object_at(part, "image_url")
                return {"type": "input_image", **picked(image, image_url="url", detail="detail")}
            case "video_url":
                return {"type": "input_video"}
            case "file":
                keys = {key: key for key in FILE_KEYS}
                self._places.add_keys(place, f"{param}.file", **keys)
                return {"type": "input_file", **picked(object_at(part, "file"), **keys)}
        return part

    def _add_assistant(self, message: Json, param: str) -> None:
        """Thinking, then text, then calls: the order in which a model writes them."""
        for key in ("function_call", "audio"):
            if message.get(key) is not None:
                raise UnsupportedParameter(
                    f"{param}.{key}", f"'{param}.{key}' is not supported by this server."
                )
        num_items = len(self._items)
        if thought := message.get("reasoning_content"):
            text: Json = {"type": "reasoning_text", "text": thought}
            place = self._add({"type": "reasoning", "content": [text]}, param)
            self._places.add(f"{place}.content[0].text", f"{param}.reasoning_content")
        if message.get("content"):
            self._add_said(message, param)
        if refusal := message.get("refusal"):
            part: Json = {"type": "refusal", "refusal": refusal}
            place = self._add({"role": "assistant", "content": [part]}, param)
            self._places.add(f"{place}.content[0].refusal", f"{param}.refusal")
        for index, call in enumerate(list_at(message, "tool_calls", f"{param}.tool_calls")):
            self._add_call(call, f"{param}.tool_calls[{index}]")
        if len(self._items) == num_items:
            self._add_said(message, param)  # nothing at all, said in so many words or not

    def _add_call(self, call: JsonValue, param: str) -> None:
        if not isinstance(call, dict):
            self._add(call, param)
            return
        if call.get("type") == "custom":
            own, kind, text = "custom", "custom_tool_call", "input"
        else:
            own, kind, text = "function", "function_call", "arguments"
        item: Json = {"type": kind, **picked(call, call_id="id")}
        item |= picked(object_at(call, own), name="name", **{text: text})
        place = self._add(item, param)
        self._places.add_keys(place, param, call_id="id")
        self._places.add_keys(place, f"{param}.{own}", name="name", **{text: text})

    def _add_output(self, message: Json, param: str) -> None:
        keys = {"call_id": "tool_call_id", "output": "content"}
        place = self._add({"type": "function_call_output", **picked(message, **keys)}, param)
        self._places.add_keys(place, param, **keys)
