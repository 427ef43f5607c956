"""Which members an object may have, where a schema composes it from parts."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from antiphon.models.dialects.demand import JsonSchema
from antiphon.models.dialects.tool_types import resolve_reference

MAX_REFERENCES = 16
# Alternatives multiply; of more than these the first will do: they are allowed.
MAX_DEPTH = 4
MAX_SHAPES = 32


class ObjectShape(NamedTuple):
    """Members by name, and those that must be there."""

    properties: Mapping[str, Any]
    required: frozenset[str]

    def joined(self, other: "ObjectShape") -> "ObjectShape":
        # What one part calls anything and another describes is as described.
        described = {name: part for name, part in other.properties.items() if part != {}}
        properties = {**other.properties, **self.properties, **described}
        return ObjectShape(properties, self.required | other.required)


def object_shapes(schema: Any, root: JsonSchema, depth: int = 0) -> list[ObjectShape]:  # noqa: ANN401
    """One shape for each alternative; a member that is only named as required may be anything."""
    schema = resolved(schema, root)
    shapes = [_own_shape(schema)]
    if depth == MAX_DEPTH:
        return shapes
    for part in _list(schema, "allOf"):
        shapes = _joined(shapes, object_shapes(part, root, depth + 1))
    options = _list(schema, "anyOf") or _list(schema, "oneOf")
    choices = [
        shape for option in options[:MAX_SHAPES] for shape in object_shapes(option, root, depth + 1)
    ]
    return _joined(shapes, choices) if choices else shapes


def resolved(schema: Any, root: JsonSchema) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """The schema behind a chain of references."""
    for _ in range(MAX_REFERENCES):
        if not isinstance(schema, Mapping):
            return {}
        if "$ref" not in schema:
            return dict(schema)
        schema = resolve_reference(schema["$ref"], root)
    return {}


def _own_shape(schema: JsonSchema) -> ObjectShape:
    declared = schema.get("properties")
    properties = dict(declared) if isinstance(declared, Mapping) else {}
    required = frozenset(name for name in _list(schema, "required") if isinstance(name, str))
    anything: dict[str, Any] = {name: {} for name in sorted(required - properties.keys())}
    return ObjectShape(properties | anything, required)


def _joined(shapes: list[ObjectShape], others: list[ObjectShape]) -> list[ObjectShape]:
    return [shape.joined(other) for shape in shapes for other in others][:MAX_SHAPES]


def _list(schema: JsonSchema, key: str) -> list[Any]:
    value = schema.get(key)
    return value if isinstance(value, list) else []
