"""A dialect out of a tokenizer's own `response_template`, where that is made of plain strings.

Source: transformers 5.23, utils/chat_parsing. Templates that find a call's name or arguments by
patterns of their own cannot be translated.
"""

import re
from collections.abc import Mapping
from typing import Any

from antiphon.models.dialects.dialect import CallSpelling, Dialect, JsonBody, Tags

DIALECT_ID = "response_template"
WHOLE_CALL = {"type": "function", "function": "{content}"}
ESCAPE = re.compile(r"\\(\W)")
SPECIAL = re.compile(r"(?<!\\)[.^$*+?{}\[\]|()]|\\\w")


def dialect_of(response_template: Mapping[str, Any]) -> Dialect | None:
    """None when the template is of another kind, or broken."""
    fields = response_template.get("fields")
    if not isinstance(fields, Mapping):
        return None
    calls = _tags(fields.get("tool_calls"))
    if calls is None or not _is_json_call(fields["tool_calls"]):
        return None
    reasoning = _tags(fields.get("reasoning_content") or fields.get("thinking"))
    begin = f'{calls.open}{{"name": "{{name}}", "arguments": '
    return Dialect(
        DIALECT_ID,
        JsonBody(),
        calls=(calls,),
        reasoning=() if reasoning is None else (reasoning,),
        spelling=CallSpelling(begin=begin, end="}" + calls.close),
    )


def _tags(field: object) -> Tags | None:
    if not isinstance(field, Mapping):
        return None
    opening, closing = _literal(field, "open"), _literal(field, "close")
    return Tags(opening, closing) if opening and closing else None


def _literal(field: Mapping[str, Any], name: str) -> str | None:
    """A plain string, or a pattern that is one but for the white space around it."""
    if isinstance(field.get(name), str):
        return str(field[name])
    pattern = field.get(f"{name}_pattern")
    if not isinstance(pattern, str):
        return None
    bare = pattern.removeprefix(r"\s*").removesuffix(r"\s*")
    return None if SPECIAL.search(bare) else ESCAPE.sub(r"\1", bare)


def _is_json_call(field: Mapping[str, Any]) -> bool:
    return field.get("content") == "json" and field.get("transform") in (None, WHOLE_CALL)
