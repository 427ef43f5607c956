"""The JSON types of a tool's parameters: what a bare word in a tagged call stands for."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from antiphon.models.dialects.json_text import encoded, loads, quoted, without_leading_zeros

TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
WORDS = {"true": "true", "false": "false"}
SCHEMA_WORDS = frozenset({"$schema", "$ref", "$defs", "additionalProperties"})
NULL_WORDS = frozenset({"null", "none"})


@dataclass(frozen=True, slots=True)
class ToolTypes:
    """Tool name -> parameter -> the JSON types it may have; no types: any."""

    _tools: Mapping[str, Mapping[str, frozenset[str]]]

    @classmethod
    def from_schemas(cls, schemas: Mapping[str, Any]) -> "ToolTypes":
        """Each tool's parameters as a JSON schema, or simply as {parameter: type}."""
        return cls({name: _parameters(schema) for name, schema in schemas.items()})

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def parameters(self, name: str) -> Mapping[str, frozenset[str]]:
        """Parameters in the schema's order; empty for an unknown tool."""
        return self._tools.get(name, {})


STRING = frozenset({"string"})


def is_certainly_string(types: frozenset[str] | None) -> bool:
    """Whether a value needs no look at it. An undeclared parameter (None) is taken as written."""
    return types is None or types == STRING


def to_json(raw: str, types: frozenset[str]) -> str:
    """The JSON text of a tagged value of one of these types (none: any).

    What is not exactly one of the other types is a string, if it may be one; else it is read
    leniently: words in any case, Python's literals. Numbers keep their digits.
    """
    text = raw.strip()
    kind = _json_kind(text)
    if kind is not None and _fits(kind, types):
        return text
    if "string" in types or not types:
        return quoted(raw)
    return _lenient(text, types) or quoted(raw)


def _fits(kind: str, types: frozenset[str]) -> bool:
    if kind == "string":
        # Quotes around a value that may be a string are the string's own.
        return bool(types) and "string" not in types
    return not types or kind in types or (kind == "integer" and "number" in types)


def _lenient(text: str, types: frozenset[str]) -> str | None:
    word = text.lower()
    if "boolean" in types and word in WORDS:
        return WORDS[word]
    if word in NULL_WORDS and "null" in types:
        return "null"
    number = without_leading_zeros(text)
    if number != text and types & {"integer", "number"}:
        return number
    if types & {"object", "array"}:
        return _from_python(text)
    return text if types == {"integer"} and _json_kind(text) == "number" else None


def _from_python(text: str) -> str | None:
    try:
        return encoded(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _json_kind(text: str) -> str | None:
    """The type of a JSON text, None if it is none."""
    try:
        return json_type(loads(text))
    except ValueError:
        return None


def json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def _parameters(schema: Any) -> dict[str, frozenset[str]]:  # noqa: ANN401 - a client's JSON
    if not isinstance(schema, Mapping):
        return {}
    declared = _properties(schema)
    if declared or schema.get("type") == "object" or not SCHEMA_WORDS.isdisjoint(schema):
        return declared
    return {
        key: _named_types(value) if isinstance(value, str | list) else schema_types(value, schema)
        for key, value in schema.items()
    }


def _properties(schema: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """A schema's own properties and those of its alternatives, with all types they may have."""
    found: dict[str, frozenset[str]] = {}
    pending: list[Any] = [schema]
    seen: set[int] = set()
    while pending:
        part = pending.pop(0)
        if not isinstance(part, Mapping) or id(part) in seen:
            continue
        seen.add(id(part))
        properties = part.get("properties")
        for key, value in properties.items() if isinstance(properties, Mapping) else ():
            types = schema_types(value, schema)
            found[key] = _union([found.get(key, types), types])
        pending += _alternatives(part, schema)
    return found


def _alternatives(schema: Mapping[str, Any], root: Mapping[str, Any]) -> list[Any]:
    referred = resolve_reference(schema.get("$ref"), root)
    lists = [schema[key] for key in UNIONS if isinstance(schema.get(key), list)]
    return [referred, *(option for options in lists for option in options[:MAX_OPTIONS])]


def _named_types(names: str | list[Any]) -> frozenset[str]:
    """Schemas in the wild also say str, int, float, bool, dict and list."""
    listed = [names] if isinstance(names, str) else names
    return frozenset(
        ALIASES.get(name, name)
        for name in listed
        if isinstance(name, str) and ALIASES.get(name, name) in TYPES
    )


ALIASES = {
    "str": "string", "text": "string", "enum": "string", "int": "integer", "float": "number",
    "double": "number", "bool": "boolean", "dict": "object", "list": "array", "tuple": "array",
}  # fmt: skip


def schema_types(
    schema: Any,  # noqa: ANN401 - a client's JSON
    root: Mapping[str, Any],
    seen: frozenset[int] = frozenset(),
) -> frozenset[str]:
    """The types that a schema allows; empty when it says nothing about them."""
    if not isinstance(schema, Mapping) or id(schema) in seen or len(seen) > MAX_REFERENCES:
        return frozenset()
    if "type" in schema:
        nullable = frozenset({"null"}) if schema.get("nullable") is True else frozenset()
        return _named_types(schema["type"]) | nullable
    if "const" in schema:
        return frozenset({json_type(schema["const"])})
    if isinstance(schema.get("enum"), list):
        return frozenset(map(json_type, schema["enum"]))
    seen |= {id(schema)}
    if "$ref" in schema:
        return schema_types(resolve_reference(schema["$ref"], root), root, seen)
    options = next((schema[key] for key in UNIONS if isinstance(schema.get(key), list)), None)
    if options is not None:
        return _union([schema_types(option, root, seen) for option in options[:MAX_OPTIONS]])
    return frozenset({"object"}) if "properties" in schema else frozenset()


UNIONS = ("anyOf", "oneOf", "allOf")
# Deeper than this nobody nests unions in a parameter; wider is cut, so that it takes no time.
MAX_REFERENCES = 4
MAX_OPTIONS = 32


def _union(options: list[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*options) if all(options) else frozenset()


def resolve_reference(reference: object, root: Mapping[str, Any]) -> object:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    found: object = root
    for step in reference[2:].split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        found = found.get(step) if isinstance(found, Mapping) else None
    return found
