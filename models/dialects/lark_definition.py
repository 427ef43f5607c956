"""A client's Lark grammar, as far as it can be written down as regular expressions."""

from antiphon.models.dialects.lark_tokens import (
    Token,
    imported_terminals,
    range_regex,
    repetition,
    statements,
    string_regex,
)
from antiphon.models.dialects.regex_tree import unsupported
from antiphon.models.errors import UnsupportedGrammar

MAX_SOURCE_CHARS = 65536
GROUPS = {"(": "(?:", "[": "(?:", "]": ")?"}
LEXEMES = ("string", "range", "pattern", "terminal")


def regular_expression(definition: str) -> str | None:
    """The whole grammar as one; None where rules refer to themselves, or for other reasons."""
    try:
        return LarkDefinition(definition).named_regex("start")
    except (UnsupportedGrammar, RecursionError):
        return None


class LarkDefinition:
    """Its statements. Raises UnsupportedGrammar for those of other kinds.

    rules, terminals  definitions by name.
    ignored           what may stand behind every lexeme of a rule, as definitions of terminals.
    """

    def __init__(self, definition: str) -> None:
        self.rules: dict[str, list[Token]] = {}
        self.terminals: dict[str, list[Token]] = {}
        self.ignored: list[list[Token]] = []
        self._sources: dict[str, str | None] = {}
        for first, *body in statements(definition):
            self._add(first, body)

    def _add(self, first: Token, body: list[Token]) -> None:
        follows = body[0].text if body else ""
        if first.kind == "import":
            self.terminals.update(imported_terminals(first.text))
        elif first.text == "%ignore":
            self.ignored.append(body)
        elif first.kind == "rule" and follows == ":":
            self.rules[first.text.lstrip("!?")] = body[1:]
        elif first.kind == "terminal" and follows == ":":
            self.terminals[first.text] = body[1:]
        elif (first.text, follows.replace(" ", "")) != ("%llguidance", "{}"):
            raise unsupported(f"{first.text} {follows}".strip())

    def body(self, name: str) -> list[Token]:
        body = self.rules.get(name, self.terminals.get(name))
        if body is None:
            raise unsupported(f"{name} without a definition")
        return body

    def named_regex(self, name: str) -> str:
        """Of a terminal, or of a rule with all that may be ignored in it.

        While it is being made it is None.
        """
        if name not in self._sources:
            self._sources[name] = None
            make = self._regex_of_rule if name in self.rules else self.regex
            self._sources[name] = make(self.body(name))
        source = self._sources[name]
        if source is None:
            raise unsupported(f"{name} inside of itself")
        return source

    def regex(self, body: list[Token]) -> str:
        """Of a terminal's definition."""
        return _checked("".join(map(self._in_regex, body)))

    def _regex_of_rule(self, body: list[Token]) -> str:
        ignored = "|".join(map(self.regex, self.ignored))
        skip = f"(?:{ignored})*" if self.ignored else ""
        return _checked("".join(self._in_rule(token, skip) for token in body))

    def _in_rule(self, token: Token, skip: str) -> str:
        if token.kind == "rule":
            return f"(?:{self.named_regex(token.text)})"
        source = self._in_regex(token)
        return f"(?:{source}{skip})" if token.kind in LEXEMES else source

    def _in_regex(self, token: Token) -> str:
        match token:
            case Token("string", text):
                return string_regex(text)
            case Token("range", text):
                return range_regex(text)
            case Token("pattern", text):
                source, _, flags = text[1:].rpartition("/")
                return f"(?{flags}:{source})"
            case Token("terminal", text):
                return f"(?:{self.named_regex(text)})"
            case Token("count", text):
                return repetition(text)
            case Token("sign", text) if text != ":":
                return GROUPS.get(text, text)
        raise unsupported(f"{token.text} in a terminal")


def _checked(source: str) -> str:
    if len(source) > MAX_SOURCE_CHARS:
        raise unsupported("a definition of such a length")
    return source
