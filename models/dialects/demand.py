"""What a caller demands of an output: which calls, how many, and of what form the text."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

JsonSchema = Mapping[str, Any]


class CallDemand(StrEnum):
    """Whether there have to be calls, in the words of `tool_choice`."""

    FORBIDDEN = "none"
    ALLOWED = "auto"
    REQUIRED = "required"


class InputSyntax(StrEnum):
    """How a custom tool's grammar is written."""

    LARK = "lark"
    REGEX = "regex"


@dataclass(frozen=True, slots=True)
class InputGrammar:
    """The grammar of a custom tool's one string."""

    syntax: InputSyntax
    definition: str


@dataclass(frozen=True, slots=True)
class CallableTool:
    """A tool that may be called.

    parameters  the schema its arguments have to follow; None: any object.
    input       for a custom tool: the grammar of its one argument, named `input`.
    """

    name: str
    parameters: JsonSchema | None = None
    input: InputGrammar | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """text_schema: what the text has to be as JSON; None: anything."""

    tools: tuple[CallableTool, ...] = ()
    calls: CallDemand = CallDemand.ALLOWED
    is_parallel: bool = True
    text_schema: JsonSchema | None = None
