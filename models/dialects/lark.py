"""Lark sources for llguidance, put together rule by rule.

Source: github.com/guidance-ai/llguidance, docs/syntax.md.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import regex

from antiphon.models.dialects.json_text import ENCODER

ANY_TEXT = "/(?s:.*)/"
# One way to write each value: with free white space, a small model writes nothing else.
JSON_OPTIONS = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    "coerce_one_of": True,
}


class LarkSource:
    """Named rules and terminals; `special_tokens` maps a special token's text to its id.

    A special token never matches as text: wherever one stands in a literal, its id is written.
    """

    def __init__(self, special_tokens: Mapping[str, int]) -> None:
        self._special_tokens = special_tokens
        pieces = sorted(map(regex.escape, special_tokens), key=len, reverse=True)
        self._special = regex.compile(f"({'|'.join(pieces)})" if pieces else r"((?!))")
        self._definitions: dict[str, str] = {}
        self._grammars: dict[str, str] = {}

    def rule(self, body: str) -> str:
        """Define a rule; the same body is defined once. Returns its name."""
        return self._define("r", body)

    def terminal(self, body: str) -> str:
        """Define a terminal: one lexeme."""
        return self._define("T", body)

    def grammar(self, source: str) -> str:
        """Include a Lark source of its own. Returns how to refer to it."""
        if source not in self._grammars:
            self._grammars[source] = f"g{len(self._grammars)}"
        return f"@{self._grammars[source]}"

    def literal(self, text: str) -> str:
        """An expression that is exactly this text; empty for the empty text."""
        pieces = [piece for piece in self._special.split(text) if piece]
        return " ".join(
            f"<[{self._special_tokens[piece]}]>"
            if piece in self._special_tokens
            else ENCODER.encode(piece)
            for piece in pieces
        )

    def text(self, text: str) -> str:
        """The same for a text from outside: what spells a special token in it is ordinary text."""
        return ENCODER.encode(text) if text else ""

    def has_special(self, text: str) -> bool:
        return self._special.search(text) is not None

    def json(self, schema: Mapping[str, Any]) -> str:
        """A JSON value of this schema."""
        return self.rule(f"%json {json.dumps({**schema, 'x-guidance': JSON_OPTIONS})}")

    def lacking(self, markers: Iterable[str]) -> str:
        """A limit for a terminal: no marker stands in it; empty where none could anyway."""
        plain = _shortest(text for text in markers if text and not self.has_special(text))
        anywhere = "|".join(map(regex_literal, plain))
        return f"~/(?s:.*)({anywhere})(?s:.*)/" if plain else ""

    def text_without(self, markers: Iterable[str]) -> str:
        """A terminal: any text, even none, in which no marker stands."""
        return self.terminal(" & ".join(filter(None, [ANY_TEXT, self.lacking(markers)])))

    def text_until(self, end: str, without: Iterable[str] = ()) -> str:
        """Any text up to and with `end`, with none of the other markers in it."""
        special = self._special.search(end)
        if special is not None and special.start() > 0:
            # Plain text before the token: it only has to stand there, text is anything.
            text = self.text_without(without)
            return self.rule(f"{text}? {self.literal(end)}")
        if special is not None:
            return self.rule(f"{self.text_without(without)}? {self.literal(end)}")
        text = self.text_without([end, *without])
        return self.terminal(f"{text} {self.literal(end)}")

    def source(self, start: str) -> str:
        """The whole, beginning with this expression."""
        rules = [f"{name}: {body}" for name, body in self._definitions.items()]
        lark = "\n".join(["%llguidance {}", f"start: {start}", *rules])
        if not self._grammars:
            return lark
        parts = [{"name": "output", "lark_grammar": lark}]
        parts += [{"name": name, "lark_grammar": text} for text, name in self._grammars.items()]
        return json.dumps({"grammars": parts})

    def _define(self, kind: str, body: str) -> str:
        found = next((name for name, known in self._definitions.items() if known == body), None)
        if found is not None and found.startswith(kind):
            return found
        name = f"{kind}{len(self._definitions)}"
        self._definitions[name] = body
        return name


def _shortest(texts: Iterable[str]) -> list[str]:
    """Without those that hold another one of them."""
    known = {*texts}
    return sorted(text for text in known if not any(other in text for other in known - {text}))


def regex_literal(text: str) -> str:
    """A text inside /.../, in Rust's syntax, where an escaped `<` would be a word boundary."""
    escaped = regex.sub(r"[\\.+*?()|\[\]{}^$/]", r"\\\g<0>", text)
    return escaped.replace("\n", r"\n").replace("\t", r"\t")


def any_of(options: Iterable[str]) -> str:
    return f"({' | '.join(options)})"
