"""Calls written as Python: `[get_weather(city="Oslo"), get_time()]`, or one on each line."""

import ast

import regex

from antiphon.models.dialects.call_writer import CallWriter
from antiphon.models.dialects.json_scanner import CLOSING, MAX_DEPTH
from antiphon.models.dialects.json_text import (
    encoded,
    inside_string,
    is_json,
    quoted,
    without_leading_zeros,
)
from antiphon.models.dialects.tape import Ended, Malformed, Reading, Tape
from antiphon.models.dialects.tool_types import ToolTypes

NAME = regex.compile(r"[\p{L}_][\w.\-]{0,255}(?=\s{0,64}\()")
KEYWORD = regex.compile(r"(?P<key>[\p{L}_][\w\-]{0,255})\s{0,8}=(?=[^=])")
VALUE_PART = regex.compile(r"""["'\[\](){},]""")
STRING_PART = regex.compile(r"""["'\\]""")
# Longest is \N{...}, which no model writes; \U and its eight digits is ten.
ESCAPE = regex.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}(?=[^0-7])|[^xuU0-7])",
    flags=regex.DOTALL,
)
LINE_ENDS = {"\n": "\\n", "\r": "\\r"}
WORDS = {"true": True, "false": False, "null": None, "none": None}
CALL_METHOD = ".call"


def read_pythonic_calls(tape: Tape, calls: CallWriter, tools: ToolTypes) -> Reading[None]:
    """A list of calls, or calls one behind the other. Raises Malformed."""
    if (yield from tape.skip_space()) == "[":
        tape.take(tape.at + 1)
        while (yield from _skip_separators(tape)) != "]":
            yield from read_pythonic_call(tape, calls, tools)
        tape.take(tape.at + 1)
        return
    yield from read_pythonic_call(tape, calls, tools)
    while (yield from _skip_separators(tape)) and (yield from tape.match(NAME)) is not None:
        yield from read_pythonic_call(tape, calls, tools)


def read_pythonic_call(tape: Tape, calls: CallWriter, tools: ToolTypes) -> Reading[None]:
    """One call. Raises Malformed."""
    name = yield from tape.matched(NAME)
    if name is None:
        raise tape.missing(NAME)
    yield from tape.expect("(")
    calls.start(_known_name(name[0], tools))
    parameters = list(tools.parameters(_known_name(name[0], tools)))
    num_arguments = 0
    while (yield from _skip_separators(tape)) != ")":
        keyword = yield from tape.matched(KEYWORD)
        if keyword is None and num_arguments >= len(parameters):
            raise Malformed
        key = keyword["key"] if keyword else parameters[num_arguments]
        calls.write(f"{', ' if num_arguments else '{'}{quoted(key)}: ")
        yield from _read_value(tape, calls)
        num_arguments += 1
    tape.take(tape.at + 1)
    if num_arguments:
        calls.write("}")
    calls.finish()


def _known_name(name: str, tools: ToolTypes) -> str:
    """Llama writes its built-in tools as `brave_search.call(...)`."""
    bare = name.removesuffix(CALL_METHOD)
    return bare if name not in tools else name


def _skip_separators(tape: Tape) -> Reading[str]:
    while (character := (yield from tape.skip_space())) and character in ",;":
        tape.take(tape.at + 1)
    return character


def _read_value(tape: Tape, calls: CallWriter) -> Reading[None]:
    character = yield from tape.skip_space()
    if not character or character not in "'\"":
        calls.write(_literal((yield from _read_expression(tape))))
        return
    calls.write('"')
    while character and character in "'\"":  # strings next to each other are one
        yield from _read_string(tape, calls)
        character = yield from tape.skip_space()
    calls.write('"')
    if character not in (",", ")"):
        raise Malformed  # a comparison, a method: no literal


def _read_string(tape: Tape, calls: CallWriter) -> Reading[None]:
    """A string's text goes out as it comes, its escapes turned into JSON's."""
    quote = yield from _opening_quote(tape)
    while quote:
        yield from _some_text(tape)
        found = STRING_PART.search(tape.text, tape.at)
        end = found.start() if found else len(tape.text)
        calls.write(inside_string(tape.take(end)))
        if found is None:
            continue
        if found[0] == "\\":
            calls.write(inside_string((yield from _read_escape(tape))))
        elif (yield from _is_here(tape, quote)):
            tape.take(tape.at + len(quote))
            break
        else:
            calls.write(inside_string(tape.take(tape.at + 1)))


def _opening_quote(tape: Tape) -> Reading[str]:
    """One quote or three; empty for the empty string, which is consumed."""
    character = yield from tape.next()
    if (yield from tape.peek()) != character:
        return character
    tape.take(tape.at + 1)
    if (yield from tape.peek()) != character:
        return ""
    tape.take(tape.at + 1)
    return character * 3


def _read_escape(tape: Tape) -> Reading[str]:
    escape = yield from tape.matched(ESCAPE)
    if escape is None:
        raise tape.missing(ESCAPE)
    try:
        value = str(ast.literal_eval(f"'{escape[0]}'")) if escape[0] != "\\\n" else ""
    except (ValueError, SyntaxError):
        raise Malformed from None
    return value


def _is_here(tape: Tape, expected: str) -> Reading[bool]:
    while len(tape.text) - tape.at < len(expected) and not tape.is_ended:
        if not expected.startswith(tape.text[tape.at :]):
            return False
        yield
    return tape.text.startswith(expected, tape.at)


def _read_expression(tape: Tape) -> Reading[str]:
    """The source of a value that is no string: up to the comma or bracket behind it."""
    pieces: list[str] = []
    closers: list[str] = []
    while True:
        yield from _some_text(tape)
        found = VALUE_PART.search(tape.text, tape.at)
        if found is None:
            pieces.append(tape.take(len(tape.text)))
            continue
        pieces.append(tape.take(found.start()))
        character = found[0]
        if character in ",)" and not closers:
            return "".join(pieces)
        if character in "'\"":
            pieces.append((yield from _read_quoted(tape)))
            continue
        _follow(closers, character)
        pieces.append(tape.take(tape.at + 1))


def _follow(closers: list[str], character: str) -> None:
    if character in "[{(":
        closers.append(CLOSING.get(character, ")"))
    elif character != "," and (not closers or closers.pop() != character):
        raise Malformed
    if len(closers) > MAX_DEPTH:
        raise Malformed


def _read_quoted(tape: Tape) -> Reading[str]:
    """A string inside a list or dictionary as it is written, but for line ends in it."""
    quote = yield from tape.next()
    pieces = [quote]
    while True:
        character = yield from tape.next()
        pieces.append(LINE_ENDS.get(character, character))
        if character == "\\":
            pieces.append((yield from tape.next()))
        elif character == quote:
            return "".join(pieces)


def _literal(source: str) -> str:
    """A Python literal, or one with JSON's words, as JSON. Raises Malformed.

    What is JSON already stays as it is written: its numbers may be too long for Python.
    """
    source = without_leading_zeros(source.strip())
    if is_json(source):
        return source
    try:
        return encoded(_evaluate(ast.parse(source, mode="eval").body))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise Malformed from None


def _evaluate(node: ast.expr) -> object:
    match node:
        case ast.Name(id=word) if word.lower() in WORDS:
            return WORDS[word.lower()]
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            return [_evaluate(element) for element in elements]
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return {str(_evaluate(key)): _evaluate(value) for key, value in pairs if key}
    return ast.literal_eval(node)


def _some_text(tape: Tape) -> Reading[None]:
    if not (yield from tape.peek()):
        raise Ended
