"""A text's pattern as it stands inside a JSON string, as an expression of a Lark rule.

A lexer takes as much as it can and never goes back, and an escape tells only by its second
character whether it goes on with a lexeme. So lexemes end before every escape, and each escape is
one by itself. Where that cannot be, all is one lexeme, and no escape can follow it.
"""

from itertools import groupby

import regex

from antiphon.models.dialects.lark import any_of, regex_literal
from antiphon.models.dialects.regex_tree import Character, Choice, Node, Repeat, Sequence

# What stands for all characters where it is asked whether two patterns have one in common.
SAMPLE = frozenset([*map(chr, range(0x20, 0x7F)), *"éÉя中"]) - {'"', "\\"}
LOOPS = ("*", "+")
NOTHING: frozenset[str] = frozenset()


def lark_expression(node: Node) -> str:
    is_one = _counts(node) or _overruns(node, NOTHING)
    return f"/{_pattern(node)}/" if is_one else _expression(node)


def _expression(node: Node) -> str:
    if not _has_escapes(node):
        return _lexeme([node])
    match node:
        case Character(plain, escapes):
            options = [f"/{plain}/"] if plain else []
            return any_of([*options, f"/{_pattern(Character('', escapes))}/"])
        case Sequence(parts):
            stretches = groupby(parts, key=_has_escapes)
            return " ".join(
                " ".join(map(_expression, stretch)) if escaped else _lexeme(list(stretch))
                for escaped, stretch in stretches
            )
        case Choice(options):
            return any_of(map(_expression, options))
        case Repeat(part, count) if count in LOOPS:
            return f"({_expression(_in_runs(part))}){count}"
        case Repeat(part, count):
            return f"({_expression(part)}){count}"


def _lexeme(nodes: list[Node]) -> str:
    source = "".join(map(_pattern, nodes))
    return f"/{source}/" if source else '""'


def _in_runs(node: Node) -> Node:
    """What is repeated, with plain characters many at a time: one lexeme for all of them."""
    match node:
        case Character(plain, escapes) if plain:
            return Choice((Repeat(Character(plain), "+"), Character("", escapes)))
        case Choice(options):
            return Choice(tuple(map(_in_runs, options)))
    return node


def _pattern(node: Node) -> str:
    """The same as one regular expression."""
    match node:
        case Character(plain, escapes):
            options = [plain] if plain else []
            options += map(regex_literal, escapes)
            return options[0] if len(options) == 1 else f"(?:{'|'.join(options)})"
        case Sequence(parts):
            return "".join(map(_pattern, parts))
        case Choice(options):
            return f"(?:{'|'.join(map(_pattern, options))})"
        case Repeat(part, count):
            return f"(?:{_pattern(part)}){count}"


def _has_escapes(node: Node) -> bool:
    match node:
        case Character(escapes=escapes):
            return bool(escapes)
        case Sequence(parts) | Choice(parts):
            return any(map(_has_escapes, parts))
        case Repeat(part):
            return _has_escapes(part)


def _counts(node: Node) -> bool:
    """Whether characters are counted: with a lexeme for each, a parser has too much to do."""
    match node:
        case Sequence(parts) | Choice(parts):
            return any(map(_counts, parts))
        case Repeat(part, count):
            return _has_escapes(part) and (count.startswith("{") or _counts(part))
    return False


def _overruns(node: Node, follows: frozenset[str]) -> bool:
    """Whether a run of plain characters would take in what has to follow it."""
    match node:
        case Sequence(parts):
            for part in reversed(parts):
                if _overruns(part, follows):
                    return True
                follows = _first(part) | (follows if _is_optional(part) else NOTHING)
            return False
        case Choice(options):
            return any(_overruns(option, follows) for option in options)
        case Repeat(part, count) if count in LOOPS and _has_escapes(part):
            runs = part.options if isinstance(part, Choice) else (part,)
            takes_in = any(isinstance(run, Character) and _first(run) & follows for run in runs)
            return takes_in or _overruns(part, follows | _first(part))
        case Repeat(part):
            return _overruns(part, follows)
    return False


def _first(node: Node) -> frozenset[str]:
    """The plain characters of the sample that it can begin with."""
    match node:
        case Character(plain):
            pattern = regex.compile(plain or r"(?!)", flags=regex.VERSION1)
            return frozenset(filter(pattern.fullmatch, SAMPLE))
        case Sequence(parts):
            found = NOTHING
            for part in parts:
                found |= _first(part)
                if not _is_optional(part):
                    break
            return found
        case Choice(options):
            return NOTHING.union(*map(_first, options))
        case Repeat(part):
            return _first(part)


def _is_optional(node: Node) -> bool:
    match node:
        case Character():
            return False
        case Sequence(parts):
            return all(map(_is_optional, parts))
        case Choice(options):
            return any(map(_is_optional, options))
        case Repeat(part, count):
            return count in ("*", "?") or count.startswith(("{0", "{,")) or _is_optional(part)
