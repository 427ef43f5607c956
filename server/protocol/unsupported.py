"""What the standard knows and this server does not do yet: refused by name, never ignored.

One row per field: its path in the posted body (`[]` is every element of a list) and the values
that are served. null and absent always are. Building a feature begins with deleting its row.
"""

import json
from collections.abc import Iterator

from pydantic import JsonValue

from antiphon.server.protocol.errors import UnsupportedParameter

TEXT_TYPES = ("input_text", "output_text", "text")
ITEM_TYPES = (
    "message",
    "reasoning",
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
)

SERVED_VALUES: tuple[tuple[str, tuple[JsonValue, ...]], ...] = (
    ("previous_response_id", ()),
    ("conversation", ()),
    ("prompt", ()),
    ("context_management", ()),
    ("background", (False,)),
    ("store", (False,)),
    ("include[]", ("message.output_text.logprobs", "reasoning.encrypted_content")),
    ("tools[].type", ("function", "custom")),
    ("tools[].format.type", ("text", "grammar")),
    ("tool_choice.type", ("function", "custom", "allowed_tools")),
    ("tool_choice.tools[].type", ("function", "custom")),
    ("text.format.type", ("text", "json_object", "json_schema")),
    ("text.verbosity", ()),
    ("reasoning.summary", ("auto",)),
    ("truncation", ("disabled",)),
    ("service_tier", ("auto", "default")),
    ("stream_options.include_obfuscation", (False,)),
    ("input[].type", ITEM_TYPES),
    ("input[].content[].type", (*TEXT_TYPES, "refusal", "reasoning_text")),
    ("input[].output[].type", TEXT_TYPES),
)


def refuse_unsupported(posted: JsonValue) -> None:
    """Raises UnsupportedParameter for the first row that the posted body breaks."""
    for path, served in SERVED_VALUES:
        for param, value in _find(posted, path.replace("[]", ".[]").split(".")):
            if value is not None and value not in served:
                raise UnsupportedParameter(param, _sentence(param, served))


def _find(value: JsonValue, steps: list[str], param: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Every value that lies at `steps` below `value`, each with its own name for the client."""
    if not steps:
        yield param, value
    elif steps[0] == "[]" and isinstance(value, list):
        for index, element in enumerate(value):
            yield from _find(element, steps[1:], f"{param}[{index}]")
    elif isinstance(value, dict) and steps[0] in value:
        yield from _find(value[steps[0]], steps[1:], f"{param}.{steps[0]}".lstrip("."))


def _sentence(param: str, served: tuple[JsonValue, ...]) -> str:
    if not served:
        return f"'{param}' is not supported by this server."
    return f"'{param}' is supported only as {' or '.join(map(json.dumps, served))} by this server."
