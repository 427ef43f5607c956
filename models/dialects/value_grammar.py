"""Grammars for values that are not written as JSON: bare strings, and Gemma's notation."""

from collections.abc import Mapping
from typing import Any

import regex

from antiphon.models.dialects.demand import JsonSchema
from antiphon.models.dialects.lark import LarkSource, any_of
from antiphon.models.dialects.object_shapes import ObjectShape, object_shapes, resolved
from antiphon.models.dialects.tool_types import schema_types
from antiphon.models.errors import UnsupportedGrammar

STRING = frozenset({"string"})
# Deeper, or wider, than this is written as JSON, or not at all: both are allowed.
MAX_UNION_DEPTH = 3
MAX_OPTIONS = 16
MAX_GEMMA_DEPTH = 6
GEMMA_KEY = regex.compile(r"[^\s,\]}:\[{<\"](?:[^,\]}:\n\[{<\"]{0,254}[^\s,\]}:\[{<\"])?")
BARE_SLASH = regex.compile(r"(?<!\\)((?:\\\\)*)/")


def with_definitions(schema: Any, root: JsonSchema) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """A part of a schema that can stand alone: its references still lead somewhere."""
    definitions = {key: root[key] for key in ("$defs", "definitions") if key in root}
    return {**(schema if isinstance(schema, Mapping) else {}), **definitions}


def unwritable(key: str) -> UnsupportedGrammar:
    return UnsupportedGrammar(f"A parameter named {key!r} cannot be written in the model's way.")


def raw_string(
    lark: LarkSource, schema: JsonSchema, without: tuple[str, ...], end: str, *limits: str
) -> str:
    """A string written as it is, and what ends it; none of the markers can stand in it.

    limits: terminals that it has to match besides.
    """
    if "enum" in schema or "const" in schema:
        options = schema.get("enum", [schema.get("const")])
        texts = [text for text in options if isinstance(text, str)]
        return lark.rule(any_of(f"{lark.text(text)} {lark.literal(end)}".strip() for text in texts))
    limits = (*_string_limits(schema), *limits)
    if not limits:
        return lark.text_until(end, without)
    limited = filter(None, [*limits, lark.lacking([*without, end])])
    return ended(lark, lark.terminal(" & ".join(limited)), end)


def ended(lark: LarkSource, terminal: str, end: str) -> str:
    """A terminal and what ends it: the same lexeme, unless that is a token of its own."""
    if lark.has_special(end):
        return lark.rule(f"{terminal} {lark.literal(end)}")
    return lark.terminal(f"{terminal} {lark.literal(end)}")


# What a bare value must not look like where it may be something else than a string.
NOT_JSON = r'/(?s:.*)/ & ~/\s*([-0-9\[{"](?s:.*)|([tT]rue|[fF]alse|[nN]ull|[nN]one)\s*)/'


def bare_values(
    lark: LarkSource,
    schema: Any,  # noqa: ANN401 - any JSON
    root: JsonSchema,
    without: tuple[str, ...],
    end: str,
    depth: int = 0,
) -> list[str]:
    """The ways to write a value between tags, each with the tag that ends it.

    Strings are written as they are, and everything else as JSON.
    """
    schema = resolved(schema, root)
    options = schema.get("anyOf", schema.get("oneOf"))
    if isinstance(options, list) and depth < MAX_UNION_DEPTH:
        options = options[:MAX_OPTIONS]
        parts = [bare_values(lark, option, root, without, end, depth + 1) for option in options]
        return [way for part in parts for way in part]
    types = schema_types(schema, root)
    limits = (lark.terminal(NOT_JSON),) if depth or types != STRING else ()
    ways = []
    if "string" in types:
        ways.append(raw_string(lark, _only_strings(schema), without, end, *limits))
    if types == STRING:
        return ways
    other = _without_strings(schema, types)
    return [*ways, f"{lark.json(with_definitions(other, root))} {lark.literal(end)}"]


def _only_strings(schema: JsonSchema) -> dict[str, Any]:
    return {**schema, "type": "string"}


def _without_strings(schema: JsonSchema, types: frozenset[str]) -> dict[str, Any]:
    if "string" not in types:
        return dict(schema)
    rest = {**schema, "type": sorted(types - STRING)}
    if "enum" in rest:
        rest["enum"] = [value for value in rest["enum"] if not isinstance(value, str)]
    return rest


def _string_limits(schema: JsonSchema) -> list[str]:
    limits = []
    if isinstance(schema.get("pattern"), str):
        limits.append(f"/{_searched(schema['pattern'])}/")
    least, most = schema.get("minLength"), schema.get("maxLength")
    if least or most is not None:
        limits.append(f"/(?s:.{{{least or 0},{'' if most is None else most}}})/")
    return limits


def _searched(pattern: str) -> str:
    """JSON Schema's patterns match anywhere; a terminal matches as a whole."""
    begin = "" if pattern.startswith("^") else "(?s:.*)"
    end = "" if pattern.endswith("$") and not pattern.endswith("\\$") else "(?s:.*)"
    body = pattern.removeprefix("^") if not begin else pattern
    body = body.removesuffix("$") if not end else body
    body = BARE_SLASH.sub(r"\1\\/", body)
    return f"{begin}({body}){end}"


class GemmaValues:
    """Objects with bare keys, strings between two quote tokens, everything else as in JSON."""

    def __init__(self, lark: LarkSource, quote: str, root: JsonSchema) -> None:
        self._lark = lark
        self._quote = quote
        self._root = root

    def value(self, schema: Any, depth: int = 0) -> str:  # noqa: ANN401 - any JSON
        schema = resolved(schema, self._root)
        options = schema.get("anyOf", schema.get("oneOf"))
        if isinstance(options, list) and depth < MAX_UNION_DEPTH:
            options = options[:MAX_OPTIONS]
            return self._lark.rule(any_of(self.value(option, depth + 1) for option in options))
        types = schema_types(schema, self._root) or STRING
        return self._lark.rule(any_of(self._typed(kind, schema, depth) for kind in sorted(types)))

    def object(self, schema: JsonSchema, depth: int = 0) -> str:
        """Members in their declared order; those not required may be left out."""
        shapes = object_shapes(schema, self._root)
        return self._lark.rule(any_of(self._shape(shape, depth) for shape in shapes))

    def _shape(self, shape: ObjectShape, depth: int) -> str:
        members = [
            (f'{self._key(key)} ":" {self.value(part, depth + 1)}', key in shape.required)
            for key, part in shape.properties.items()
        ]
        return self._lark.rule(f'"{{" {optional_members(self._lark, members, ",")} "}}"')

    def _key(self, key: str) -> str:
        """Raises UnsupportedGrammar for one that would not be read back."""
        if GEMMA_KEY.fullmatch(key) is None:
            raise unwritable(key)
        return self._lark.text(key)

    def _typed(self, kind: str, schema: JsonSchema, depth: int) -> str:
        match kind:
            case "string":
                quote = self._lark.literal(self._quote)
                string = raw_string(self._lark, schema, (), self._quote)
                return self._lark.rule(f"{quote} {string}")
            case "object" if depth < MAX_GEMMA_DEPTH:
                return self.object(schema, depth)
            case "array" if depth < MAX_GEMMA_DEPTH:
                return self._array(schema, depth)
        return self._lark.json({**with_definitions(schema, self._root), "type": kind})

    def _array(self, schema: JsonSchema, depth: int) -> str:
        item = self.value(schema.get("items", {}), depth + 1)
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        if most == 0:
            return self._lark.rule('"[]"')
        more = f"{max(least - 1, 0)},{'' if most is None else most - 1}"
        items = f'{item} ("," {item}){{{more}}}'
        return self._lark.rule(f'"[" {items} "]"' if least else f'"[" ({items})? "]"')


def optional_members(lark: LarkSource, members: list[tuple[str, bool]], separator: str) -> str:
    """Members in order, those that are not required left out or not, separators in between.

    members: expression, and whether it is required.
    """
    rest_behind_one, rest_at_start = "", ""
    for expression, is_required in reversed(members):
        behind_one = f"{lark.literal(separator)} {expression} {rest_behind_one}".strip()
        at_start = f"{expression} {rest_behind_one}".strip()
        if is_required:
            rest_at_start, rest_behind_one = lark.rule(at_start), lark.rule(behind_one)
        else:
            skipped = rest_at_start
            rest_at_start = lark.rule(any_of([at_start, skipped]) if skipped else f"({at_start})?")
            skipped = rest_behind_one
            rest_behind_one = lark.rule(
                any_of([behind_one, skipped]) if skipped else f"({behind_one})?"
            )
    return rest_at_start
