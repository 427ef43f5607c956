"""Lark sources by tokens, and those of terminals as regular expressions.

Source: github.com/guidance-ai/llguidance, docs/syntax.md; the terminals of `common` are
lark-parser's.
"""

from collections.abc import Iterator
from typing import NamedTuple

import regex

from antiphon.models.dialects.json_text import loads
from antiphon.models.dialects.lark import regex_literal
from antiphon.models.dialects.regex_tree import unsupported

TOKEN = regex.compile(
    r"(?P<space>[ \t]+|(?:#|//)[^\n]*|->[ \t]*\w+)"
    r'|(?P<range>"(?:\\.|[^"\\\n])+"\s*\.\.\s*"(?:\\.|[^"\\\n])+")'
    r'|(?P<string>"(?:\\.|[^"\\\n])*"i?)'
    r"|(?P<pattern>/(?:\\.|[^/\\])+/[a-z]*)"
    r"|(?P<import>%import[^\n]*)"
    r"|(?P<directive>%[a-z]+)"
    r"|(?P<terminal>_?[A-Z][_A-Z0-9\-]*)"
    r"|(?P<rule>[!?_]{0,2}[a-z][_a-z0-9\-]*)"
    r"|(?P<count>~\s*[0-9]+(?:\s*\.\.\s*[0-9]+)?|\{\s*[0-9]*\s*,?\s*[0-9]*\s*\})"
    r"|(?P<line>\r?\n)"
    r"|(?P<sign>[*+?:|()\[\]])"
    r"|(?P<foreign><[^<>\s]+>|@[\w\-]+|::|.)"
)
IMPORT = regex.compile(
    r"%import\s+common\s*(?:\.\s*(?P<name>\w+)\s*(?:->\s*(?P<alias>\w+))?|\((?P<names>[\w\s,]+)\))"
    r"\s*(?:(?:#|//).*)?"
)
NUMBER = r"(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+\-]?[0-9]+)?|[0-9]+[eE][+\-]?[0-9]+"
COMMON = {
    "DIGIT": "[0-9]",
    "HEXDIGIT": "[a-fA-F0-9]",
    "INT": "[0-9]+",
    "SIGNED_INT": r"[+\-]?[0-9]+",
    "DECIMAL": r"[0-9]+\.[0-9]*|\.[0-9]+",
    "FLOAT": NUMBER,
    "SIGNED_FLOAT": rf"[+\-]?(?:{NUMBER})",
    "NUMBER": f"[0-9]+|{NUMBER}",
    "SIGNED_NUMBER": rf"[+\-]?(?:[0-9]+|{NUMBER})",
    "ESCAPED_STRING": r'"(?:[^"\\]|\\.)*"',
    "LCASE_LETTER": "[a-z]",
    "UCASE_LETTER": "[A-Z]",
    "LETTER": "[A-Za-z]",
    "WORD": "[A-Za-z]+",
    "CNAME": "[_A-Za-z][_A-Za-z0-9]*",
    "WS_INLINE": r"[ \t]+",
    "WS": r"[ \t\f\r\n]+",
    "CR": r"\r",
    "LF": r"\n",
    "NEWLINE": r"(?:\r?\n)+",
    "SH_COMMENT": r"#[^\n]*",
    "CPP_COMMENT": r"\/\/[^\n]*",
    "C_COMMENT": r"\/\*[^*]*\*+(?:[^\/*][^*]*\*+)*\/",
    "SQL_COMMENT": r"--[^\n]*",
}


class Token(NamedTuple):
    kind: str
    text: str


def statements(definition: str) -> Iterator[list[Token]]:
    """A statement goes on in the next line if that begins with a bar.

    Raises UnsupportedGrammar for an empty definition.
    """
    tokens = [Token(str(found.lastgroup), found[0]) for found in TOKEN.finditer(definition)]
    tokens = [token for token in tokens if token.kind != "space"]
    if all(token.kind == "line" for token in tokens):
        raise unsupported("nothing in it")
    statement: list[Token] = []
    for token, following in zip(tokens, [*tokens[1:], Token("line", "")], strict=True):
        if token.kind != "line":
            statement.append(token)
        elif statement and following.kind != "line" and following.text != "|":
            yield statement
            statement = []
    if statement:
        yield statement


def imported_terminals(text: str) -> dict[str, list[Token]]:
    found = IMPORT.fullmatch(text)
    names = regex.findall(r"\w+", found["names"] or found["name"]) if found else []
    if found is None or not COMMON.keys() >= {*names}:
        raise unsupported(text.strip())
    return {(found["alias"] or name): [Token("pattern", f"/{COMMON[name]}/")] for name in names}


def string_regex(text: str) -> str:
    literal = regex_literal(_text(text.removesuffix("i")))
    return f"(?i:{literal})" if text.endswith("i") else f"(?:{literal})"


def range_regex(text: str) -> str:
    first, last = (_text(part) for part in regex.split(r"(?<=\")\s*\.\.\s*(?=\")", text))
    if not len(first) == len(last) == 1 or first > last:
        raise unsupported(f"the range {text}")
    return rf"[\U{ord(first):08x}-\U{ord(last):08x}]"


def _text(literal: str) -> str:
    """A literal is written as in JSON; a character may also be an `x` with two digits."""
    try:
        text = loads(regex.sub(r"(?<!\\)((?:\\\\)*)\\x", r"\1\\u00", literal))
    except ValueError:
        raise unsupported(f"the literal {literal}") from None
    assert isinstance(text, str)
    return text


def repetition(text: str) -> str:
    """`~2..3` and `{2,3}` are the same."""
    numbers = text.strip("~{}").replace(" ", "").replace("..", ",")
    return f"{{{numbers}}}"
