"""Regular expressions as trees, whose characters know how a JSON string writes them.

Source: docs.rs/regex, the syntax that llguidance has in its grammars.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from antiphon.models.dialects.json_text import inside_string
from antiphon.models.errors import UnsupportedGrammar

ESCAPES = {
    character: inside_string(character) for character in map(chr, (*range(0x20), 0x22, 0x5C))
}
UNESCAPED = r'[^"\\\x00-\x1f]'
FLAGS = frozenset("ism")
CLASS_LETTERS = frozenset("dDwWsSpP")
LITERAL_LETTERS = frozenset("nrtfvaxuU")


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
    r"|(?P<group>\((?!\?)|\(\?(?:P?<\w+>|[a-zA-Z-]*:))"
    r"|(?P<set>\[\^?+\]?+(?:\\.|\[:\^?\w+:\]|(?&set)|[^\[\]\\])*+\])"
    r"|(?P<escape>\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[pP](?:\{[^}]*\}|\w)|.))"
    r"|(?P<count>[*+?]|\{\d*,?\d*\})"
    r"|(?P<other>.)",
    flags=regex.DOTALL,
)
BRACED = regex.compile(r"\\[xuU]\{([0-9a-fA-F]{1,8})\}")


def unsupported(what: str) -> UnsupportedGrammar:
    return UnsupportedGrammar(f"The grammar has {what}, which cannot be written in JSON.")


def read_regex(source: str) -> Node:
    """Raises UnsupportedGrammar for what cannot be taken apart into characters."""
    long = BRACED.sub(lambda found: rf"\U{int(found[1], 16):08x}", source)
    return _RegexReader(long).read()


UNREADABLE = ("^", "$", "(", "[")


def _tokens(source: str) -> Iterator[tuple[str, str]]:
    for found in TOKEN.finditer(source):
        yield str(found.lastgroup), found[0]
        if found[0] == "[":
            return  # a class that is never closed: all the rest would be looked through again


class _RegexReader:
    def __init__(self, source: str) -> None:
        self._tokens = list(_tokens(source))
        self._flags: frozenset[str] = frozenset()
        self._depth = 0

    def read(self) -> Node:
        self._tokens.reverse()
        node = self._choice()
        if self._tokens:
            raise unsupported("a regular expression with a bracket too many")
        return node

    def _choice(self) -> Node:
        """Up to the end of the group; flags that are set inside of it end with it."""
        before = self._flags
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        self._flags = before
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._tokens and self._tokens[-1][1] not in ("|", ")"):
            kind, text = self._tokens.pop()
            if kind == "flags":
                self._flags = _changed(self._flags, text[2:-1])
            elif kind == "count":
                parts.append(self._repeated(parts, text))
            else:
                parts.append(self._atom(kind, text))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self, parts: list[Node], count: str) -> Node:
        """Takes back the last part. A lazy count has no meaning where the whole has to match."""
        if not parts:
            raise unsupported(f"a regular expression that repeats nothing: {count}")
        self._take("?")
        return Repeat(parts.pop(), {"{0,}": "*", "{1,}": "+"}.get(count, count))

    def _atom(self, kind: str, text: str) -> Node:
        if kind == "group":
            return self._group(text)
        if kind == "set":
            return _one_of(text, self._flags)
        if text == ".":
            return _one_of(r"[\s\S]" if "s" in self._flags else r"[^\n]", self._flags)
        if kind == "escape":
            return self._escape(text)
        if text in UNREADABLE:
            raise unsupported(f"a regular expression with {text!r}")
        return _literal(text, self._flags)

    def _group(self, opening: str) -> Node:
        before = self._flags
        if opening.startswith("(?") and "<" not in opening:
            self._flags = _changed(before, opening[2:-1])
        node = self._choice()
        self._flags = before
        if not self._take(")"):
            raise unsupported("a regular expression with a group that is left open")
        return node

    def _escape(self, text: str) -> Node:
        letter = text[1]
        if letter in CLASS_LETTERS:
            return _one_of(f"[{text}]", self._flags)
        if (letter.isalnum() and letter not in LITERAL_LETTERS) or letter in "<>":
            raise unsupported(f"a regular expression with {text}")
        return _literal(text, self._flags)

    def _take(self, text: str) -> bool:
        is_next = bool(self._tokens) and self._tokens[-1][1] == text
        if is_next:
            self._tokens.pop()
        return is_next


def _changed(flags: frozenset[str], change: str) -> frozenset[str]:
    added, _, removed = change.partition("-")
    unknown = {*added, *removed} - FLAGS - {"u"}
    if unknown:
        raise unsupported(f"a regular expression with the flag {min(unknown)}")
    return (flags | set(added)) - set(removed)


def _one_of(source: str, flags: frozenset[str]) -> Character:
    """Any character of a class."""
    escapes = _escapes(source, flags)
    plain = f"[{source}&&{UNESCAPED}]" if escapes else source
    return Character(_with_flags(plain, flags), escapes)


def _literal(source: str, flags: frozenset[str]) -> Character:
    escapes = () if source.isalnum() else _escapes(source, flags)
    return Character("" if escapes else _with_flags(source, flags), escapes)


def _escapes(source: str, flags: frozenset[str]) -> tuple[str, ...]:
    """What JSON writes for those characters that it escapes."""
    try:
        pattern = regex.compile(_with_flags(source, flags), flags=regex.VERSION1)
    except regex.error as error:
        raise unsupported(f"the regular expression {source} ({error})") from None
    return tuple(text for character, text in ESCAPES.items() if pattern.fullmatch(character))


def _with_flags(source: str, flags: frozenset[str]) -> str:
    return f"(?i:{source})" if "i" in flags else source
