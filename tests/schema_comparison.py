"""Whether one JSON schema allows all that another does, as far as an API document says so.

Compared are keys, required keys, values, kinds of items and parts, and bounds. A union is compared
member by member: each member of the published one needs a counterpart, found by its kind.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

Json = dict[str, Any]

UPPER = ("maxLength", "maxItems", "maximum", "maxProperties")
LOWER = ("minLength", "minItems", "minimum")
COMPONENTS = "#/components/schemas/"


class Direction(Enum):
    """What is sent may ask for less and take more; what is answered may say more."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Document:
    components: Json

    def resolved(self, schema: Json) -> Json:
        """Without references, and with `allOf` folded in."""
        if "$ref" in schema:
            return self.resolved(self.components[schema["$ref"].removeprefix(COMPONENTS)])
        if "allOf" in schema:
            folded: Json = {k: v for k, v in schema.items() if k != "allOf"}
            for part in schema["allOf"]:
                folded = {**self.resolved(part), **folded}
            return folded
        return schema

    def members(self, schema: Json) -> list[Json]:
        """Of a union, however deep; of anything else, itself."""
        resolved = self.resolved(schema)
        alternatives = resolved.get("oneOf") or resolved.get("anyOf")
        if alternatives is None:
            return [resolved]
        return [member for inner in alternatives for member in self.members(inner)]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Finds what `served` lacks of `published`."""

    published: Document
    served: Document
    direction: Direction

    def missing(self, published: Json, served: Json, path: str) -> Iterator[str]:
        candidates = self.served.members(served)
        for member in self.published.members(published):
            kind = _kind(member)
            matches = [other for other in candidates if _is_counterpart(kind, other)]
            place = f"{path}<{kind}>" if kind.startswith("=") else path
            if not matches:
                yield f"{path}: no {kind}"
                continue
            complaints = [list(self._differences(member, other, place)) for other in matches]
            yield from min(complaints, key=len)

    def _differences(self, published: Json, served: Json, path: str) -> Iterator[str]:
        if _kind(served) == "any":
            return
        yield from _missing_values(published, served, path)
        if self.direction is Direction.REQUEST:
            yield from _tighter_bounds(published, served, path)
        if "items" in published and "items" in served:
            yield from self.missing(published["items"], served["items"], f"{path}[]")
        yield from self._missing_keys(published, served, path)

    def _missing_keys(self, published: Json, served: Json, path: str) -> Iterator[str]:
        known = served.get("properties", {})
        for key, schema in published.get("properties", {}).items():
            if key not in known:
                yield f"{path}.{key}: missing"
            else:
                yield from self.missing(schema, known[key], f"{path}.{key}")
        stricter, laxer = (served, published)
        if self.direction is Direction.ANSWER:
            stricter, laxer = (published, served)
        for key in set(stricter.get("required", ())) - set(laxer.get("required", ())):
            if key in published.get("properties", {}):
                yield f"{path}.{key}: required in one only"


def _kind(schema: Json) -> str:
    """What tells one member of a union from the others."""
    properties = schema.get("properties", {})
    if properties:
        values = [_constant(properties[key]) for key in ("type", "role") if key in properties]
        constants = "/".join(value for value in values if value)
        return f"={constants}" if constants else "object"
    return str(schema.get("type", "any"))


def _constant(schema: Json) -> str | None:
    """The one value that a property can have."""
    values = _all_values(schema)
    return str(values[0]) if len(values) == 1 else None


def _values(schema: Json) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return schema.get("enum")


def _is_counterpart(kind: str, served: Json) -> bool:
    if _kind(served) == "any":
        return True
    if not kind.startswith("="):
        return kind in (_kind(served), "any") or (kind == "object" and _kind(served)[0] == "=")
    properties = served.get("properties", {})
    wanted = kind.removeprefix("=").split("/")
    found = [value for key in ("type", "role") for value in _all_values(properties.get(key, {}))]
    return all(value in found for value in wanted)


def _all_values(schema: Json) -> list[Any]:
    members = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return [value for member in members for value in _values(member) or ()]


def _missing_values(published: Json, served: Json, path: str) -> Iterator[str]:
    values, known = _values(published), _values(served)
    if values is not None and known is not None:
        for value in values:
            if value not in known:
                yield f"{path}: no {value!r}"


def _tighter_bounds(published: Json, served: Json, path: str) -> Iterator[str]:
    """Where nothing is published, any server has a bound of its own."""
    for bound in {*UPPER, *LOWER} & served.keys() & published.keys():
        is_tighter = served[bound] < published[bound]
        if is_tighter == (bound in UPPER) and served[bound] != published[bound]:
            yield f"{path}: {bound} {served[bound]}"
