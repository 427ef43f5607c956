"""Grammars for calls, from a dialect's own record: a forced call is in the model's native form."""

from html import unescape
from typing import Any

import regex

from antiphon.models.dialects.demand import CallableTool, InputSyntax, JsonSchema
from antiphon.models.dialects.dialect import (
    CallSpelling,
    Dialect,
    GemmaBody,
    PythonicBody,
    TaggedBody,
)
from antiphon.models.dialects.json_lark import in_json_string
from antiphon.models.dialects.lark import LarkSource, any_of
from antiphon.models.dialects.lark_definition import regular_expression
from antiphon.models.dialects.object_shapes import ObjectShape, object_shapes
from antiphon.models.dialects.raw_lark import raw_terminal
from antiphon.models.dialects.schema_closing import closed
from antiphon.models.dialects.tool_types import is_certainly_string, schema_types
from antiphon.models.dialects.value_grammar import (
    GemmaValues,
    bare_values,
    ended,
    optional_members,
    raw_string,
    unwritable,
    with_definitions,
)
from antiphon.models.errors import UnsupportedGrammar

# An end for a model that would never stop calling: small ones repeat themselves.
MAX_CALLS = 16
ANY_OBJECT: JsonSchema = {"type": "object"}
INPUT = "input"
# Something behind a tag, for patterns that look ahead.
PROBE = "x"


class CallGrammar:
    """Writes the grammar of calls in one dialect into a Lark source."""

    def __init__(self, lark: LarkSource, dialect: Dialect, spelling: CallSpelling) -> None:
        self._lark = lark
        self._dialect = dialect
        self._spelling = spelling

    def turn(self, tools: tuple[CallableTool, ...], *, is_parallel: bool) -> str:
        """One call or several, with what encloses them."""
        spelling, lark = self._spelling, self._lark
        call = lark.rule(any_of(self._call(tool) for tool in tools))
        separator = lark.literal(spelling.separator)
        more = f"({separator} {call}){{0,{MAX_CALLS - 1}}}" if is_parallel else ""
        first, last = lark.literal(spelling.first), lark.literal(spelling.last)
        return lark.rule(" ".join(part for part in (first, call, more, last) if part))

    def _call(self, tool: CallableTool) -> str:
        lark = self._lark
        begin = self._expression(self._spelling.begin.replace("{name}", tool.name))
        parts = (begin, self._arguments(tool), lark.literal(self._spelling.end))
        return lark.rule(" ".join(part for part in parts if part))

    def _expression(self, text: str) -> str:
        """A literal with the call's number in it."""
        before, index, behind = text.partition("{index}")
        number = "/[0-9]{1,2}/" if index else ""
        parts = (self._lark.literal(before), number, self._lark.literal(behind))
        return " ".join(part for part in parts if part)

    def _arguments(self, tool: CallableTool) -> str:
        schema = ANY_OBJECT if tool.parameters is None else closed(tool.parameters)
        match self._dialect.body:
            case TaggedBody() as body:
                return self._tagged(tool, schema, body)
            case PythonicBody():
                return self._pythonic(tool, schema)
            case GemmaBody(quote=quote):
                if tool.input is not None:
                    inside = self._raw_input(tool, quote)
                    return self._lark.rule(
                        f'"{{{INPUT}:" {self._lark.literal(quote)} {inside} "}}"'
                    )
                return GemmaValues(self._lark, quote, schema).object(schema)
        return self._json_arguments(tool, schema)

    def _json_arguments(self, tool: CallableTool, schema: JsonSchema) -> str:
        if tool.input is None:
            return self._lark.json({"type": "object", **schema})
        return self._lark.rule(f'"{{\\"{INPUT}\\": " {self._json_input(tool)} "}}"')

    def _json_input(self, tool: CallableTool) -> str:
        """A custom tool's text as a JSON string: what its grammar allows, escaped."""
        assert tool.input is not None
        pattern = tool.input.definition
        if tool.input.syntax is InputSyntax.LARK:
            found = regular_expression(pattern)
            if found is None:
                inside = self._lark.grammar(in_json_string(pattern))
                return self._lark.rule(f'"\\"" {inside} "\\""')
            pattern = found
        return self._lark.json(_matching(pattern))

    def _raw_input(self, tool: CallableTool, end: str) -> str:
        """A custom tool's text as it is, and the tag that ends it."""
        assert tool.input is not None
        definition = tool.input.definition
        if tool.input.syntax is InputSyntax.REGEX:
            return raw_string(self._lark, _matching(definition), self._markers, end)
        terminal = raw_terminal(self._lark, definition, [*self._markers, end])
        if terminal is not None:
            return ended(self._lark, terminal, end)
        inside = self._lark.grammar(definition)
        return self._lark.rule(f"{inside} {self._lark.literal(end)}")

    def _tagged(self, tool: CallableTool, schema: JsonSchema, body: TaggedBody) -> str:
        if tool.input is not None:
            opening = self._parameter_tag(INPUT, frozenset({"string"}))
            return f"{opening} {self._raw_input(tool, self._spelling.parameter_end)}"
        shapes = object_shapes(schema, schema)
        return self._lark.rule(any_of(self._tagged_shape(shape, schema) for shape in shapes))

    def _tagged_shape(self, shape: ObjectShape, root: JsonSchema) -> str:
        members = []
        for key, part in shape.properties.items():
            member = self._tagged_member(key, part, root)
            members.append(member if key in shape.required else f"({member})?")
        return " ".join(members) or '""'

    def _tagged_member(self, key: str, part: Any, root: JsonSchema) -> str:  # noqa: ANN401
        types = schema_types(part, root)
        options = bare_values(self._lark, part, root, self._markers, self._spelling.parameter_end)
        return self._lark.rule(f"{self._parameter_tag(key, types)} {any_of(options)}")

    def _parameter_tag(self, key: str, types: frozenset[str]) -> str:
        """Raises UnsupportedGrammar for a key that would not be read back."""
        before, _, behind = self._spelling.parameter.partition("{key}")
        is_string = "true" if is_certainly_string(types) else "false"
        behind = behind.replace("{string}", is_string).replace("{type}", _attribute(types))
        self._require_readable(key, before + key + behind)
        return f"{self._lark.literal(before)} {self._lark.text(key)} {self._lark.literal(behind)}"

    def _require_readable(self, key: str, tag: str) -> None:
        assert isinstance(self._dialect.body, TaggedBody)
        found = self._dialect.body.parameter.match(tag + PROBE)
        if found is None or unescape(found["key"].strip()) != key:
            raise unwritable(key)

    def _pythonic(self, tool: CallableTool, schema: JsonSchema) -> str:
        """Keyword arguments; the reader takes JSON's words for Python's."""
        if tool.input is not None:
            return self._lark.rule(f'"{INPUT}=" {self._json_input(tool)}')
        shapes = object_shapes(schema, schema)
        return self._lark.rule(any_of(self._pythonic_shape(shape, schema) for shape in shapes))

    def _pythonic_shape(self, shape: ObjectShape, root: JsonSchema) -> str:
        members = [
            (self._pythonic_member(key, part, root), key in shape.required)
            for key, part in shape.properties.items()
        ]
        return optional_members(self._lark, members, ", ") or '""'

    def _pythonic_member(self, key: str, part: Any, root: JsonSchema) -> str:  # noqa: ANN401
        if not key.isidentifier():
            raise unwritable(key)
        return f'{self._lark.text(key)} "=" {self._lark.json(with_definitions(part, root))}'

    @property
    def _markers(self) -> tuple[str, ...]:
        """What cannot stand in a bare string, or it would not be read back."""
        body = self._dialect.body
        assert isinstance(body, TaggedBody | GemmaBody)
        if isinstance(body, GemmaBody):
            return ()
        tag, _, _ = self._spelling.parameter.partition("{key}")
        openers = (*(tags.open for tags in self._dialect.calls), *self._dialect.bare_calls)
        return (*body.parameter_closes, *body.closes, tag.strip(), *openers)


def _matching(pattern: str) -> JsonSchema:
    """Raises UnsupportedGrammar for half a pattern: it would change what is put around it."""
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise UnsupportedGrammar(f"The regular expression is broken: {error}.") from None
    return {"type": "string", "pattern": f"^(?:{pattern})$"}


def _attribute(types: frozenset[str]) -> str:
    """One word for the type of a value; JSON's own kinds of number are both `number`."""
    names = types - {"null"} if len(types) > 1 else types
    return "number" if "integer" in names else min(names, default="string")
