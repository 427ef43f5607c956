"""A Lark grammar of a text, turned into the grammar of that text inside a JSON string."""

from antiphon.models.dialects.json_lexemes import lark_expression
from antiphon.models.dialects.lark import any_of
from antiphon.models.dialects.lark_definition import LarkDefinition
from antiphon.models.dialects.lark_tokens import Token
from antiphon.models.dialects.regex_tree import read_regex, unsupported

SKIP = "json-ignored"


def in_json_string(definition: str) -> str:
    """Raises UnsupportedGrammar, which names what cannot be carried over."""
    try:
        return _JsonGrammar(LarkDefinition(definition)).source()
    except RecursionError:
        raise unsupported("too many groups inside of groups") from None


class _JsonGrammar:
    """Every terminal becomes a rule of its own.

    What the grammar ignores may stand behind each of its own lexemes, not between ours.
    """

    def __init__(self, definition: LarkDefinition) -> None:
        self._definition = definition
        self._skip = f" {SKIP}" if definition.ignored else ""

    def source(self) -> str:
        rules = self._definition.rules
        lines = [f"{name}: {' '.join(map(self._in_rule, body))}" for name, body in rules.items()]
        tokens = {token for body in rules.values() for token in body}
        for terminal in sorted(token for token in tokens if token.kind == "terminal"):
            lines.append(f"{_rule_name(terminal)}: {self._expression([terminal])}")
        if self._definition.ignored:
            lines.append(f"{SKIP}: {any_of(map(self._expression, self._definition.ignored))}*")
        return "\n".join(["%llguidance {}", *lines])

    def _in_rule(self, token: Token) -> str:
        match token.kind:
            case "string" | "range" | "pattern":
                return f"({self._expression([token])}{self._skip})"
            case "terminal":
                return f"({_rule_name(token)}{self._skip})"
            case "rule" | "sign" | "count":
                return token.text
        raise unsupported(token.text)

    def _expression(self, body: list[Token]) -> str:
        return lark_expression(read_regex(self._definition.regex(body)))


def _rule_name(terminal: Token) -> str:
    return f"json-{terminal.text.lower()}"
