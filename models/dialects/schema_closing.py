"""A schema without what it leaves open: objects have no more members than it declares.

All that the closed schema allows, the schema allows too; and a model that is held to it comes to an
end, where one that may invent members need not.
"""

from collections.abc import Mapping
from typing import Any

SCHEMA_MAPS = ("properties", "$defs", "definitions")
SCHEMA_LISTS = ("anyOf", "oneOf", "prefixItems")
# Here the members may be declared elsewhere, and closing one half would forbid the other.
OPEN_ENDED = ("allOf", "patternProperties", "unevaluatedProperties", "if", "$ref", "minProperties")


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    result = {key: _closed_member(key, value) for key, value in schema.items()}
    is_object = isinstance(schema.get("properties"), Mapping)
    if is_object and not any(key in schema for key in OPEN_ENDED):
        result.setdefault("additionalProperties", False)
    return result


def _closed_member(key: str, value: Any) -> Any:  # noqa: ANN401 - a client's JSON
    if key in SCHEMA_MAPS and isinstance(value, Mapping):
        return {name: _closed_schema(part) for name, part in value.items()}
    if key in SCHEMA_LISTS and isinstance(value, list):
        return [_closed_schema(part) for part in value]
    return _closed_schema(value) if key == "items" else value


def _closed_schema(value: Any) -> Any:  # noqa: ANN401 - a client's JSON
    return closed(value) if isinstance(value, Mapping) else value
