"""Calls whose arguments are written as JSON."""

import regex

from antiphon.models.dialects.call_writer import CallWriter
from antiphon.models.dialects.dialect import HeaderJsonBody, JsonBody
from antiphon.models.dialects.json_scanner import read_json, read_json_text
from antiphon.models.dialects.json_text import escape_surrogates, loads
from antiphon.models.dialects.tape import Ended, Malformed, Reading, Tape
from antiphon.models.dialects.tool_types import ToolTypes

SEPARATORS = ",;"
OTHER_KEYS = ("id", "type", "tool_call_id")


def read_json_calls(tape: Tape, calls: CallWriter, body: JsonBody) -> Reading[None]:
    """One object, a list of objects, or objects one behind the other. Raises Malformed."""
    first = yield from tape.skip_space()
    if first == "[":
        tape.take(tape.at + 1)
        yield from _read_list(tape, calls, body)
        return
    yield from read_call_object(tape, calls, body)
    while (yield from _skip_separators(tape)) == "{":
        yield from read_call_object(tape, calls, body)


def read_call_object(tape: Tape, calls: CallWriter, body: JsonBody) -> Reading[None]:
    """One object that is a call. Raises Malformed."""
    yield from tape.expect("{")
    call = _CallObject(tape, calls, body)
    yield from call.read_members()
    call.finish()


def read_header_json_call(
    tape: Tape, calls: CallWriter, body: HeaderJsonBody, tools: ToolTypes
) -> Reading[None]:
    """A header with the name, then one object. Raises Malformed."""
    header = yield from tape.matched(body.header)
    if header is None:
        raise tape.missing(body.header)
    written = header["name"].strip()
    name = _numbered_name(written, tools) if body.is_numbered else written
    calls.start(name, header.groupdict().get("id"))
    character = yield from tape.skip_space()
    if character == "{":
        yield from read_json(tape, calls.write)
        yield from _skip_fence(tape, body.fence)
    elif not character and tape.is_cut_off:
        raise Ended
    calls.finish()


NUMBERED = (
    regex.compile(r"functions\.(?P<name>.+):\d+"),
    regex.compile(r"(?P<name>.+):\d+"),
    regex.compile(r"functions[._]?(?P<name>.+?)[_:]?\d*"),
    regex.compile(r"(?P<name>.+?)[_:]?\d+"),
)


def _numbered_name(written: str, tools: ToolTypes) -> str:
    """The name in an id. Models garble ids: any reading that names an offered tool will do."""
    readings = [found["name"] for form in NUMBERED if (found := form.fullmatch(written))]
    return next((name for name in (written, *readings) if name in tools), [*readings, written][0])


def _read_list(tape: Tape, calls: CallWriter, body: JsonBody) -> Reading[None]:
    while (yield from _skip_separators(tape)) != "]":
        yield from read_call_object(tape, calls, body)
    tape.take(tape.at + 1)


def _skip_separators(tape: Tape) -> Reading[str]:
    while (character := (yield from tape.skip_space())) and character in SEPARATORS:
        tape.take(tape.at + 1)
    return character


def _skip_fence(tape: Tape, fence: str) -> Reading[None]:
    """The rest of a code fence, as far as it is there."""
    if not fence:
        return
    yield from tape.skip_space()
    for expected in fence:
        if (yield from tape.peek()) != expected:
            return
        tape.take(tape.at + 1)


class _CallObject:
    """One call while its members are read: its arguments wait for its name, if that comes late."""

    def __init__(self, tape: Tape, calls: CallWriter, body: JsonBody) -> None:
        self._tape = tape
        self._calls = calls
        self._body = body
        self._native_id: str | None = None
        self._early: list[str] = []

    def read_members(self) -> Reading[None]:
        while True:
            character = yield from _skip_separators(self._tape)
            if character == "}":
                self._tape.take(self._tape.at + 1)
                return
            if character != '"':
                raise Malformed if character else Ended
            key = _decode((yield from read_json_text(self._tape)))
            yield from self._tape.expect(":")
            yield from self._read_member(key)

    def finish(self) -> None:
        if not self._calls.is_open:
            raise Malformed
        self._calls.finish()

    def _read_member(self, key: str) -> Reading[None]:
        if self._body.name_is_key and not self._calls.is_open:
            self._start(key)
            yield from self._read_arguments()
        elif key in self._body.name_keys and not self._calls.is_open:
            self._start(_decode((yield from read_json_text(self._tape))))
        elif key in self._body.arguments_keys:
            yield from self._read_arguments()
        elif key == "function":
            yield from self._read_function()
        elif self._body.is_strict and key not in OTHER_KEYS:
            raise Malformed
        else:
            self._note(key, (yield from read_json_text(self._tape)))

    def _read_function(self) -> Reading[None]:
        """{"type": "function", "function": {...}}, as chat completions have it."""
        character = yield from self._tape.skip_space()
        if character == "{":
            self._tape.take(self._tape.at + 1)
            yield from self.read_members()
        else:
            self._start(_decode((yield from read_json_text(self._tape))))

    def _note(self, key: str, value: str) -> None:
        if key in ("id", "tool_call_id") and not self._calls.is_open:
            self._native_id = value.strip('"')

    def _start(self, name: str) -> None:
        if self._calls.is_open:
            raise Malformed
        self._calls.start(name, self._native_id)
        for piece in self._early:
            self._calls.write(piece)

    def _read_arguments(self) -> Reading[None]:
        """The object as it is written. null is no arguments; a string holds the object's text."""
        write = self._calls.write if self._calls.is_open else self._early.append
        character = yield from self._tape.skip_space()
        if character == "{":
            yield from read_json(self._tape, write)
            return
        text = yield from read_json_text(self._tape)
        if character == '"':
            write(escape_surrogates(_decode(text).strip()) or "{}")
        elif text not in ("null", "[]"):
            raise Malformed


def _decode(text: str) -> str:
    """A JSON string's value. Raises Malformed for anything else."""
    try:
        value = loads(text)
    except ValueError:
        raise Malformed from None
    if not isinstance(value, str):
        raise Malformed
    return value
