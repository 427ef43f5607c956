"""Calls with a tag for each argument, and bare text between the tags."""

from collections.abc import Iterable
from html import unescape

import regex

from antiphon.models.dialects.call_writer import CallWriter
from antiphon.models.dialects.dialect import Dialect, TaggedBody, ValueTrim, ValueTypes
from antiphon.models.dialects.json_text import inside_string, quoted
from antiphon.models.dialects.markers import Markers
from antiphon.models.dialects.tape import Ended, Malformed, Reading, Tape
from antiphon.models.dialects.tool_types import ToolTypes, is_certainly_string, to_json

# White space that may stand between two tags; bounded, so that looking ahead is.
GAP = r"\s{0,64}+"
ATTRIBUTE_TYPES = {
    "true": frozenset({"string"}),
    "string": frozenset({"string"}),
}


class TaggedReader:
    """Reads the calls of one dialect whose body is tagged.

    A closing tag counts only where something follows that can follow it: text in arguments may
    hold any tag. Where one is missing, the next argument's tag counts if it stands on a line of
    its own and names a declared argument that has not come yet.
    """

    def __init__(self, dialect: Dialect, body: TaggedBody, tools: ToolTypes) -> None:
        self._body = body
        self._tools = tools
        ends = [*(tags.close for tags in dialect.calls), *(tags.open for tags in dialect.calls)]
        after_call = _any_of([*ends, *dialect.bare_calls, *dialect.dropped, *dialect.stops])
        closes_value, closes_call = _any_of(body.parameter_closes), _any_of(body.closes)
        parameter = body.parameter.pattern
        self._value_close = Markers(body.parameter_closes)
        self._value_end = regex.compile(f"(?:{closes_value}){GAP}(?:{parameter}|{closes_call})")
        self._call_close = Markers(body.closes)
        self._call_end = regex.compile(f"(?:{closes_call}){GAP}(?:{after_call})")
        self._quoted_end = regex.compile(
            f"(?:(?:{closes_value}){GAP})?(?:{closes_call}){GAP}"
            f"(?:(?:{after_call}){GAP})?(?:{closes_value})"
        )
        openers = [*(tags.open for tags in dialect.calls), *dialect.bare_calls]
        self._openers = Markers(openers)
        closers = [*body.parameter_closes, *body.closes]
        self._ends = Markers([*closers, *_starts(body.parameter), *openers])

    def read(self, tape: Tape, calls: CallWriter) -> Reading[None]:
        """Header, arguments, closing tag. Raises Malformed."""
        header = yield from tape.matched(self._body.header)
        if header is None:
            raise tape.missing(self._body.header)
        name = unescape(header["name"].strip())
        calls.start(name)
        arguments = _Arguments(calls, self._tools, name)
        is_open = header.groupdict().get("empty") is None
        while is_open:
            is_open = yield from self._read_argument(tape, arguments)
        arguments.finish()

    def _read_argument(self, tape: Tape, arguments: "_Arguments") -> Reading[bool]:
        """One argument; False at the end of the call."""
        character = yield from tape.skip_space()
        parameter = yield from tape.matched(self._body.parameter)
        if parameter is None:
            yield from self._close(tape, character)
            return False
        arguments.begin(parameter, self._body.types)
        yield from self._read_value(tape, arguments)
        return True

    def _close(self, tape: Tape, character: str) -> Reading[None]:
        """Done, the call has its arguments; only what is cut off is not complete."""
        if not character and tape.is_cut_off:
            raise Ended
        is_closed = yield from self._call_close.taken(tape)
        if not is_closed and character:
            raise Malformed

    def _read_value(self, tape: Tape, arguments: "_Arguments") -> Reading[None]:
        trims_end = yield from self._trim_start(tape)
        while True:
            found = self._ends.find(tape)
            safe = found[0] if found else self._ends.safe_end(tape)
            self._write_value(tape, arguments, safe)
            if found is None:
                yield from _more(tape)
                continue
            is_end = yield from self._is_end(tape, arguments)
            if is_end:
                arguments.end(trims_line_end=trims_end)
                return
            arguments.write(tape.take(tape.at + 1))

    def _trim_start(self, tape: Tape) -> Reading[bool]:
        """Drop the tag's line end; returns whether the one behind the value is the tag's too."""
        trim = self._body.trim
        has_line_end = trim is not ValueTrim.NONE and (yield from tape.peek()) == "\n"
        if has_line_end:
            tape.take(tape.at + 1)
        return has_line_end or trim is ValueTrim.EACH_SIDE

    def _write_value(self, tape: Tape, arguments: "_Arguments", end: int) -> None:
        if end > tape.at:
            arguments.write(tape.take(end))

    def _is_end(self, tape: Tape, arguments: "_Arguments") -> Reading[bool]:
        """Whether the value ends at the tag that stands here; consumes the value's own tag."""
        if (yield from self._is_quoted(tape, arguments)):
            return False
        closing = yield from self._value_close.here(tape)
        if closing is not None:
            is_end = yield from _is_followed(tape, self._value_end, closing)
            if is_end:
                tape.take(tape.at + len(closing))
            return is_end
        closing = yield from self._call_close.here(tape)
        if closing is not None:
            return (yield from _is_followed(tape, self._call_end, closing))
        parameter = yield from tape.match(self._body.parameter)
        return parameter is not None and arguments.is_missing(parameter["key"])

    def _is_quoted(self, tape: Tape, arguments: "_Arguments") -> Reading[bool]:
        """Whether the tag is part of a call that the value itself spells out."""
        if (yield from self._openers.here(tape)) is not None:
            arguments.quotes_call = True
            return True
        return arguments.quotes_call and (yield from tape.match(self._quoted_end)) is not None


class _Arguments:
    """The arguments of one call as JSON. A string's text goes out as it comes."""

    def __init__(self, calls: CallWriter, tools: ToolTypes, name: str) -> None:
        self._calls = calls
        self._declared = tools.parameters(name)
        self._seen: set[str] = set()
        self._types: frozenset[str] | None = None
        self._pieces: list[str] = []
        self._line_end = ""
        self._last = ""
        self.quotes_call = False

    def begin(self, parameter: "regex.Match[str]", types: ValueTypes) -> None:
        key = unescape(parameter["key"].strip())
        self._types = _types(parameter, types, self._declared.get(key))
        separator = ", " if self._seen else "{"
        self._seen.add(key)
        self._calls.write(f"{separator}{quoted(key)}: ")
        if self._is_string:
            self._calls.write('"')
        self._pieces.clear()
        self._line_end = ""
        self._last = "\n"
        self.quotes_call = False

    def write(self, text: str) -> None:
        """A line end waits for what follows: the last one may belong to the tag."""
        text = self._line_end + text
        self._line_end = "\n" if text.endswith("\n") else ""
        shown = text.removesuffix("\n")
        self._last = text[-1:] or self._last
        if self._is_string:
            self._calls.write(inside_string(shown))
        else:
            self._pieces.append(shown)

    def end(self, *, trims_line_end: bool) -> None:
        rest = "" if trims_line_end else self._line_end
        if self._is_string:
            self._calls.write(inside_string(rest) + '"')
        else:
            assert self._types is not None
            self._calls.write(to_json("".join(self._pieces) + rest, self._types))

    def is_missing(self, key: str) -> bool:
        """Whether a tag here can be that of a next argument, its predecessor left open."""
        is_new = key in self._declared and key not in self._seen
        return is_new and self._last == "\n" and not self.quotes_call

    def finish(self) -> None:
        if self._seen:
            self._calls.write("}")
        self._calls.finish()

    @property
    def _is_string(self) -> bool:
        return is_certainly_string(self._types)


def _types(
    parameter: "regex.Match[str]", types: ValueTypes, declared: frozenset[str] | None
) -> frozenset[str] | None:
    if types is ValueTypes.SCHEMA:
        return declared
    written = parameter.groupdict()
    kind = written.get("type") or written.get("string") or ""
    if kind == "false":
        return declared - {"string"} if declared else frozenset()
    return ATTRIBUTE_TYPES.get(kind, frozenset({kind}) if kind else declared)


def _starts(parameter: "regex.Pattern[str]") -> list[str]:
    """The fixed text that the tag begins with."""
    fixed = regex.match(r"(?:\\?[^\\(\[{.*+?|]|\\[^\w])+", parameter.pattern)
    return [regex.sub(r"\\(.)", r"\1", fixed[0])] if fixed else []


def _any_of(texts: Iterable[str]) -> str:
    return "|".join(regex.escape(text) for text in texts if text) or r"(?!)"


def _is_followed(tape: Tape, end: "regex.Pattern[str]", tag: str) -> Reading[bool]:
    """Whether the tag is followed by what can follow it: another tag, or nothing at all."""
    follows = yield from tape.match(end)
    return follows is not None or (tape.is_ended and not tape.text[tape.at + len(tag) :].strip())


def _more(tape: Tape) -> Reading[None]:
    if tape.is_ended:
        raise Ended
    yield
