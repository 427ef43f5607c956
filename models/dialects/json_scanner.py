"""Where one JSON value ends, found while it arrives: strings hide brackets, nothing is decoded."""

from collections.abc import Callable

import regex

from antiphon.models.dialects.json_text import inside_string
from antiphon.models.dialects.tape import Ended, Malformed, Reading, Tape

JsonWriter = Callable[[str], None]

STRUCTURE = regex.compile(r'["{}\[\]]')
STRING_PART = regex.compile(r'["\\\x00-\x1f]')
SCALAR = regex.compile(r"[-+.\w]+")
CLOSING = {"{": "}", "[": "]"}
MAX_DEPTH = 256


class JsonScanner:
    """One value. `scan` is called again with more text until `is_done` or `is_malformed`."""

    __slots__ = ("_closers", "_is_escaped", "_is_in_string", "is_done", "is_malformed")

    def __init__(self) -> None:
        self._closers: list[str] = []
        self._is_in_string = False
        self._is_escaped = False
        self.is_done = False
        self.is_malformed = False

    def scan(self, text: str, at: int) -> tuple[int, str]:
        """How far the value is known to go on, and that part of it.

        Control characters inside strings, which JSON forbids and models write, come out escaped.
        It stops at brackets that do not match.
        """
        pieces: list[str] = []
        while at < len(text) and not (self.is_done or self.is_malformed):
            step = self._in_string if self._is_in_string else self._outside
            at = step(text, at, pieces)
        return at, "".join(pieces)

    def _outside(self, text: str, at: int, pieces: list[str]) -> int:
        found = STRUCTURE.search(text, at)
        if found is None:
            pieces.append(text[at:])
            return len(text)
        end = found.end()
        pieces.append(text[at:end])
        self._enter(found[0])
        return end

    def _enter(self, character: str) -> None:
        if character == '"':
            self._is_in_string = True
        elif character in CLOSING:
            self._closers.append(CLOSING[character])
            self.is_malformed = len(self._closers) > MAX_DEPTH
        elif not self._closers or self._closers.pop() != character:
            self.is_malformed = True
        else:
            self.is_done = not self._closers

    def _in_string(self, text: str, at: int, pieces: list[str]) -> int:
        if self._is_escaped:
            self._is_escaped = False
            pieces.append(_escaped(text[at]))
            return at + 1
        found = STRING_PART.search(text, at)
        if found is None:
            pieces.append(text[at:])
            return len(text)
        pieces.append(text[at : found.start()])
        self._leave(found[0], pieces)
        return found.end()

    def _leave(self, character: str, pieces: list[str]) -> None:
        if character == "\\":
            self._is_escaped = True
            pieces.append(character)
        elif character == '"':
            self._is_in_string = False
            self.is_done = not self._closers
            pieces.append(character)
        else:
            pieces.append(_escaped(character))


def _escaped(character: str) -> str:
    return inside_string(character) if character < " " else character


def read_json(tape: Tape, write: JsonWriter) -> Reading[None]:
    """Consume one value, handing it on as it comes. Raises Malformed.

    A number or a word ends where its characters end.
    """
    first = yield from tape.skip_space()
    if first not in '"{[':
        yield from _read_scalar(tape, write)
        return
    scanner = JsonScanner()
    while not scanner.is_done:
        yield from _some_text(tape)
        end, piece = scanner.scan(tape.text, tape.at)
        tape.take(end)
        write(piece)
        if scanner.is_malformed:
            raise Malformed


def read_json_text(tape: Tape) -> Reading[str]:
    """The same, all at once."""
    pieces: list[str] = []
    yield from read_json(tape, pieces.append)
    return "".join(pieces)


def _read_scalar(tape: Tape, write: JsonWriter) -> Reading[None]:
    is_empty = True
    while True:
        character = yield from tape.peek()
        found = SCALAR.match(tape.text, tape.at) if character else None
        if found is None:
            break
        is_empty = False
        write(tape.take(found.end()))
    if is_empty:
        raise Malformed if character else Ended


def _some_text(tape: Tape) -> Reading[None]:
    if not (yield from tape.peek()):
        raise Ended
