"""What others know and this server does not do: refused by name, never ignored.

One row per field: its path in the posted body (`[]` is every element of a list) and the values
that are served. null and absent always are. Building a feature begins with deleting its row.
"""

import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice

from pydantic import JsonValue

from antiphon.server.protocol.errors import UnsupportedParameter

MAX_ELEMENTS = 10_000
TEXT_TYPES = ("input_text", "output_text", "text")
ITEM_TYPES = (
    "message",
    "reasoning",
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
    "compaction",
    "item_reference",
    "additional_tools",
)

SERVED_VALUES: tuple[tuple[str, tuple[JsonValue, ...]], ...] = (
    ("prompt", ()),
    ("context_management[].type", ("compaction",)),
    ("tools[].format.type", ("text", "grammar")),
    ("tool_choice.type", ("function", "custom", "allowed_tools")),
    ("text.format.type", ("text", "json_object", "json_schema")),
    ("text.verbosity", ("medium",)),
)

# Below each item of a list.
SERVED_IN_ITEMS: tuple[tuple[str, tuple[JsonValue, ...]], ...] = (
    ("type", ITEM_TYPES),
    ("content[].type", (*TEXT_TYPES, "refusal", "reasoning_text", "input_file")),
    ("content[].file_id", ()),
    ("output[].type", (*TEXT_TYPES, "input_file")),
    ("output[].file_id", ()),
)

# What is left out instead, where the server's settings say so.
SERVED_TOOLS: tuple[tuple[str, tuple[JsonValue, ...]], ...] = (
    ("tools[].type", ("function", "custom", "namespace")),
    ("input[].tools[].type", ("function", "custom", "namespace")),
    ("tool_choice.tools[].type", ("function", "custom")),
)

NOT_UNDERSTOOD: dict[JsonValue, str] = {
    "input_image": "images",
    "input_audio": "sound",
    "input_video": "video",
}


class UnsupportedTools(StrEnum):
    """What becomes of a tool that the server would have to run."""

    DROP = "drop"
    REJECT = "reject"


def refuse_unsupported(posted: JsonValue, tools: UnsupportedTools) -> None:
    """Raises UnsupportedParameter for the first row that the posted body breaks."""
    _refuse(posted, SERVED_VALUES)
    if tools is UnsupportedTools.REJECT:
        _refuse(posted, SERVED_TOOLS)
    refuse_unsupported_items(posted, "input")


def refuse_unsupported_items(posted: JsonValue, param: str) -> None:
    """Raises UnsupportedParameter for what no response could be made from. `param`: the list."""
    _refuse(posted, [(f"{param}[].{path}", served) for path, served in SERVED_IN_ITEMS])


def _refuse(posted: JsonValue, rows: Iterable[tuple[str, tuple[JsonValue, ...]]]) -> None:
    for path, served in rows:
        for param, value in _find(posted, path.replace("[]", ".[]").split(".")):
            if value is not None and value not in served:
                raise UnsupportedParameter(param, _sentence(param, value, served))


def _find(value: JsonValue, steps: list[str], param: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Every value that lies at `steps` below `value`, each with its own name for the client."""
    if not steps:
        yield param, value
    elif steps[0] == "[]" and isinstance(value, list):
        # What is behind makes the list too long, which is told of the list as a whole.
        for index, element in enumerate(islice(value, MAX_ELEMENTS)):
            yield from _find(element, steps[1:], f"{param}[{index}]")
    elif isinstance(value, dict) and steps[0] in value:
        yield from _find(value[steps[0]], steps[1:], f"{param}.{steps[0]}".lstrip("."))


def _sentence(param: str, value: JsonValue, served: tuple[JsonValue, ...]) -> str:
    if isinstance(value, str) and value in NOT_UNDERSTOOD:
        return f"'{param}': this server's model does not understand {NOT_UNDERSTOOD[value]}."
    if not served:
        return f"'{param}' is not supported by this server."
    return f"'{param}' is supported only as {' or '.join(map(json.dumps, served))} by this server."
