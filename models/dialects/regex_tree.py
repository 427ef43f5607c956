"""Regular expressions as trees, whose characters know how a JSON string writes them.

Source: docs.rs/regex, the syntax that llguidance has in its grammars.
"""

from dataclasses import dataclass
from typing import NamedTuple

import regex

from antiphon.models.errors import UnsupportedGrammar

ESCAPES = {
    '"': r"\"", "\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r", "\b": r"\b", "\f": r"\f",
}  # fmt: skip
UNESCAPED = r'[^"\\\x00-\x1f]'
FLAGS = frozenset("ism")
ESCAPE_LETTERS = frozenset("nrtfvadDwWsSpPxuU")
CLASS_LETTERS = frozenset("dDwWsSpP")


@dataclass(frozen=True, slots=True)
class Character:
    """One character.

    plain    a pattern for those that JSON writes as they are; empty: there are none.
    escapes  what JSON writes for the others.
    """

    plain: str
    escapes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Choice:
    options: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Repeat:
    """count is written as a regular expression has it: `*`, `+`, `?`, `{2,3}`."""

    part: "Node"
    count: str


Node = Character | Sequence | Choice | Repeat

TOKEN = regex.compile(
    r"(?P<flags>\(\?[a-zA-Z-]+\))"
    r"|(?P<group>\((?!\?)|\(\?(?:P?<\w+>|(?P<inside>[a-zA-Z-]*):))"
    r"|(?P<set>\[\^?\]?(?:\\.|\[:\^?\w+:\]|(?&set)|[^\[\]\\])*\])"
    r"|(?P<escape>\\(?:[xuU]\{[0-9a-fA-F]+\}|x..|u.{4}|U.{8}|[pP](?:\{[^}]*\}|\w)|.))"
    r"|(?P<count>[*+?]|\{\d*,?\d*\})"
    r"|(?P<other>.)",
    flags=regex.DOTALL,
)
BRACED = regex.compile(r"\\[xuU]\{([0-9a-fA-F]+)\}")


def read_regex(source: str) -> Node:
    """Raises UnsupportedGrammar for what cannot be taken apart by characters."""
    return _RegexReader(source).read()


class _Token(NamedTuple):
    kind: str
    text: str


class _RegexReader:
    """flags are those in force where it stands: `i` and `s`."""

    def __init__(self, source: str) -> None:
        self._tokens = [
            (str(found.lastgroup), found) for found in TOKEN.finditer(BRACED.sub(_long, source))
        ]
        self._at = 0
        self._flags: frozenset[str] = frozenset()

    def read(self) -> Node:
        node = self._choice()
        if self._at < len(self._tokens):
            raise UnsupportedGrammar("a regular expression closes a group that is not open")
        return node
