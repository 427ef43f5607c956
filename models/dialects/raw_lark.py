"""A Lark grammar of a text that is written as it is, between two tags.

A lexer takes as much as it can, and would take in the closing tag: where it can be, the whole
text is one terminal, to be ended in the same lexeme.
"""

from collections.abc import Iterable

from antiphon.models.dialects.lark import LarkSource
from antiphon.models.dialects.lark_definition import LarkDefinition
from antiphon.models.dialects.lark_tokens import Token, repetition
from antiphon.models.dialects.regex_tree import unsupported
from antiphon.models.errors import UnsupportedGrammar

START = Token("rule", "start")


def raw_terminal(lark: LarkSource, definition: str, without: Iterable[str]) -> str | None:
    """None for what no terminal can be: a grammar whose rules refer to themselves, or another kind.

    without: what no part of the text that is a pattern's can hold.
    """
    try:
        return _TerminalWriter(lark, LarkDefinition(definition), lark.lacking(without)).name(START)
    except (UnsupportedGrammar, RecursionError):
        return None


class _TerminalWriter:
    """Defines a terminal for each rule and each terminal of a grammar."""

    def __init__(self, lark: LarkSource, definition: LarkDefinition, lacking: str) -> None:
        self._lark = lark
        self._definition = definition
        self._limit = f" & {lacking}" if lacking else ""
        self._names: dict[str, str | None] = {}

    def name(self, token: Token) -> str:
        """What it is called; while it is being defined it is called None."""
        if token.text not in self._names:
            self._names[token.text] = None
            self._names[token.text] = self._lark.terminal(self._body(token))
        name = self._names[token.text]
        if name is None:
            raise unsupported(f"{token.text} inside of itself")
        return name

    def _body(self, token: Token) -> str:
        body = self._definition.body(token.text)
        if token.kind == "terminal":
            return " ".join(map(self._written, body))
        return " ".join(map(self._in_rule, body))

    def _in_rule(self, token: Token) -> str:
        written = self._written(token)
        if not self._definition.ignored or token.kind in ("rule", "count", "sign"):
            return written
        ignored = [" ".join(map(self._written, body)) for body in self._definition.ignored]
        return f"({written} ({' | '.join(ignored)})*)"

    def _written(self, token: Token) -> str:
        match token.kind:
            case "rule" | "terminal":
                return self.name(token)
            case "pattern":
                return f"({token.text}{self._limit})"
            case "count":
                return repetition(token.text)
            case "string" | "range" | "sign":
                return token.text
        raise unsupported(token.text)
