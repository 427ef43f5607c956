"""Grammars for calls, from a dialect's own record: a forced call is in the model's native form."""

from collections.abc import Mapping
from typing import Any

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
from antiphon.models.dialects.schema_closing import closed
from antiphon.models.dialects.tool_types import is_certainly_string, schema_types
from antiphon.models.dialects.value_grammar import (
    GemmaValues,
    bare_values,
    optional_members,
    raw_string,
    with_definitions,
)

# An end for a model that would never stop calling: small ones repeat themselves.
MAX_CALLS = 16
ANY_OBJECT: JsonSchema = {"type": "object"}
INPUT = "input"


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
            return self._lark.json(schema)
        return self._lark.rule(f'"{{\\"{INPUT}\\": " {self._json_input(tool)} "}}"')

    def _json_input(self, tool: CallableTool) -> str:
        """A custom tool's text as a JSON string: what its grammar allows, escaped."""
        assert tool.input is not None
        if tool.input.syntax is InputSyntax.REGEX:
            return self._lark.json({"type": "string", "pattern": f"^(?:{tool.input.definition})$"})
        inside = self._lark.grammar(in_json_string(tool.input.definition))
        return self._lark.rule(f'"\\"" {inside} "\\""')

    def _raw_input(self, tool: CallableTool, end: str) -> str:
        """A custom tool's text as it is, and the tag that ends it."""
        assert tool.input is not None
        if tool.input.syntax is InputSyntax.REGEX:
            schema = {"type": "string", "pattern": f"^(?:{tool.input.definition})$"}
            return raw_string(self._lark, schema, self._markers, end)
        inside = self._lark.grammar(tool.input.definition)
        return self._lark.rule(f"{inside} {self._lark.literal(end)}")

    def _tagged(self, tool: CallableTool, schema: JsonSchema, body: TaggedBody) -> str:
        if tool.input is not None:
            opening = self._parameter_tag(INPUT, frozenset({"string"}))
            return f"{opening} {self._raw_input(tool, self._spelling.parameter_end)}"
        required = schema.get("required", [])
        members = []
        for key, part in _properties(schema).items():
            member = self._tagged_member(key, part, schema)
            members.append(member if key in required else f"({member})?")
        return self._lark.rule(" ".join(members)) if members else ""

    def _tagged_member(self, key: str, part: Any, root: JsonSchema) -> str:  # noqa: ANN401
        types = schema_types(part, root)
        options = bare_values(self._lark, part, root, self._markers, self._spelling.parameter_end)
        return self._lark.rule(f"{self._parameter_tag(key, types)} {any_of(options)}")

    def _parameter_tag(self, key: str, types: frozenset[str]) -> str:
        tag = self._spelling.parameter.replace("{key}", key)
        is_string = "true" if is_certainly_string(types) else "false"
        tag = tag.replace("{string}", is_string)
        return self._lark.literal(tag.replace("{type}", _attribute(types)))

    def _pythonic(self, tool: CallableTool, schema: JsonSchema) -> str:
        """Keyword arguments; the reader takes JSON's words for Python's."""
        if tool.input is not None:
            return self._lark.rule(f'"{INPUT}=" {self._json_input(tool)}')
        required = schema.get("required", [])
        members = [
            (
                f"{self._lark.literal(key + '=')} "
                f"{self._lark.json(with_definitions(part, schema))}",
                key in required,
            )
            for key, part in _properties(schema).items()
        ]
        return optional_members(self._lark, members, ", ")

    @property
    def _markers(self) -> tuple[str, ...]:
        """What cannot stand in a bare string, or it would not be read back."""
        body = self._dialect.body
        assert isinstance(body, TaggedBody | GemmaBody)
        if isinstance(body, GemmaBody):
            return ()
        tag, _, _ = self._spelling.parameter.partition("{key}")
        return (*body.parameter_closes, *body.closes, tag.strip(), *self._dialect.bare_calls)


def _properties(schema: JsonSchema) -> Mapping[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _attribute(types: frozenset[str]) -> str:
    """One word for the type of a value; JSON's own kinds of number are both `number`."""
    names = types - {"null"} if len(types) > 1 else types
    return "number" if "integer" in names else min(names, default="string")
