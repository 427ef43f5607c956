"""What there is to know of one dialect: how a chat template has its model write.

A record is data. One engine reads by it (`parser`), one builder makes grammars from it (`grammar`),
and neither knows a model's name. Patterns are regular expressions of bounded length.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto

import regex


@dataclass(frozen=True, slots=True)
class Tags:
    """What stands before and behind something. An empty close tag: it ends by itself.

    closes_as_text  the close tag is an everyday text too, and means nothing by itself.
    """

    open: str
    close: str = ""
    closes_as_text: bool = False


@dataclass(frozen=True, slots=True)
class JsonBody:
    """Calls as JSON: an object, a list of them, or one behind the other.

    name_is_key  the object's only key is the tool's name, its value the arguments.
    is_strict    an object with any further member is no call.
    """

    name_keys: tuple[str, ...] = ("name", "tool_name")
    arguments_keys: tuple[str, ...] = ("arguments", "parameters")
    name_is_key: bool = False
    is_strict: bool = False


@dataclass(frozen=True, slots=True)
class HeaderJsonBody:
    """The name in a header, then the arguments as one JSON object.

    header      matches up to the object; groups `name` and, where there is one, `id`.
    fence       what closes the object's code fence.
    is_numbered the name is written as an id with the call's number, such as `functions.f:0`.
    """

    header: "regex.Pattern[str]"
    fence: str = ""
    is_numbered: bool = False


class ValueTypes(Enum):
    """What tells whether a tagged value is a string."""

    SCHEMA = auto()  # the tool's own schema
    ATTRIBUTE = auto()  # a group of the parameter's tag: `type`, or `string` with true or false


class ValueTrim(Enum):
    """Which line ends next to a tagged value belong to its tags."""

    NONE = auto()
    EACH_SIDE = auto()  # one in front of the value and one behind it
    PAIR = auto()  # the one behind it only if there is one in front


@dataclass(frozen=True, slots=True)
class TaggedBody:
    """The name in a header, then one pair of tags for each argument.

    header, parameter   match opening tags; groups `name` (and `empty` for a tag that closes
                        itself), and `key` with `type` or `string`.
    parameter_closes    end a value, if something follows that can follow.
    closes              end the call.
    """

    header: "regex.Pattern[str]"
    parameter: "regex.Pattern[str]"
    parameter_closes: tuple[str, ...]
    closes: tuple[str, ...]
    trim: ValueTrim = ValueTrim.NONE
    types: ValueTypes = ValueTypes.SCHEMA


@dataclass(frozen=True, slots=True)
class PythonicBody:
    """Python calls with keyword arguments: a list of them, or one on each line."""


@dataclass(frozen=True, slots=True)
class GemmaBody:
    """call:name{key:value}: keys without quotes, strings in a token of their own."""

    quote: str


@dataclass(frozen=True, slots=True)
class HarmonyBody:
    """Messages with headers: channel, recipient and content type (github.com/openai/harmony)."""

    has_calls: bool = True


Body = JsonBody | HeaderJsonBody | TaggedBody | PythonicBody | GemmaBody | HarmonyBody


@dataclass(frozen=True, slots=True)
class CallSpelling:
    """How the model writes calls itself, letter for letter: what a grammar must allow.

    {name} stands for the tool's name, {index} for the call's number; {key} and {type} or {string}
    for a parameter's own. first and last enclose all calls of a turn.
    """

    begin: str
    end: str
    separator: str = ""
    first: str = ""
    last: str = ""
    parameter: str = ""
    parameter_end: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One dialect.

    spelling     how a call is written, where one is demanded.
    calls        tags around a call, or around several.
    bare_calls   what a call begins with where its tag was forgotten: part of the call itself.
    reasoning    tags around thinking; the first is what the model writes itself.
    sections     tags around all calls, without a meaning of their own.
    answers      tags around the text.
    starts_bare  lists of JSON or Python that fill a whole message may be calls of offered tools.
    stops        tokens that end the model's turn.
    """

    id: str
    body: Body
    spelling: CallSpelling
    calls: tuple[Tags, ...] = ()
    bare_calls: tuple[str, ...] = ()
    reasoning: tuple[Tags, ...] = ()
    sections: tuple[Tags, ...] = ()
    answers: tuple[Tags, ...] = ()
    starts_bare: bool = False
    stops: tuple[str, ...] = ()

    @property
    def dropped(self) -> tuple[str, ...]:
        """What only structures the output."""
        pairs = (*self.sections, *self.answers)
        return tuple(text for tags in pairs for text in (tags.open, tags.close) if text)

    def without_calls(self) -> "Dialect":
        """The same where no tools are offered: what looks like a call is text."""
        body = HarmonyBody(has_calls=False) if isinstance(self.body, HarmonyBody) else self.body
        return replace(self, body=body, calls=(), bare_calls=(), sections=(), starts_bare=False)

    @property
    def can_think(self) -> bool:
        """Whether its outputs may hold reasoning."""
        return bool(self.reasoning) or isinstance(self.body, HarmonyBody)

    def gives_meaning_to(self, token: str) -> bool:
        """Whether a special token is a marker or part of one: it must not be hidden then."""
        return any(token in marker for marker in self.markers)

    @property
    def markers(self) -> frozenset[str]:
        """All texts with a meaning; a special token in one of them must not be hidden."""
        pairs = (*self.calls, *self.reasoning)
        own = {text for tags in pairs for text in (tags.open, tags.close)}
        return frozenset({*own, *self.bare_calls, *self.dropped, *_inner(self.body)} - {""})


def _inner(body: Body) -> tuple[str, ...]:
    match body:
        case HeaderJsonBody(header=header):
            return (_unescaped(header),)
        case TaggedBody():
            tags = (_unescaped(body.header), _unescaped(body.parameter))
            return (*tags, *body.parameter_closes, *body.closes)
        case GemmaBody(quote=quote):
            return (quote,)
        case HarmonyBody():
            return HARMONY_TOKENS
    return ()


def _unescaped(pattern: "regex.Pattern[str]") -> str:
    """A pattern's text, in which its fixed parts stand as they are written."""
    return pattern.pattern.replace("\\|", "|").replace("\\[", "[").replace("\\]", "]")


HARMONY_TOKENS = (
    "<|start|>", "<|channel|>", "<|constrain|>", "<|message|>", "<|end|>", "<|call|>", "<|return|>",
)  # fmt: skip
