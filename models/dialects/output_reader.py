"""One output from its beginning to its end: thinking, text and calls, whichever comes."""

import regex

from antiphon.models.dialects.body_reader import BodyReader
from antiphon.models.dialects.call_writer import CallWriter, SegmentWriter
from antiphon.models.dialects.dialect import Dialect, HarmonyBody
from antiphon.models.dialects.harmony_messages import HarmonyReader, TextWriter
from antiphon.models.dialects.json_scanner import read_json
from antiphon.models.dialects.marker_roles import MarkerRoles
from antiphon.models.dialects.markers import Markers, before_line_ends
from antiphon.models.dialects.tape import Ended, Malformed, Reading, Tape
from antiphon.models.dialects.tool_types import ToolTypes

JSON_BEGINS = regex.compile(r'\s{0,64}["{\[]')


class OutputReader:
    """Walks through thinking, text and calls.

    Line ends next to a marker belong to the marker; only a text that goes on behind one keeps
    those in front of it, or its words would run together.
    """

    def __init__(
        self,
        dialect: Dialect,
        tools: ToolTypes | None,
        tape: Tape,
        output: SegmentWriter,
        *,
        text_is_json: bool,
    ) -> None:
        self._dialect = dialect
        self._tools = tools or ToolTypes({})
        # A model that is held to JSON marks its calls, if its dialect has marks for them.
        self._may_be_bare = tools is not None and (dialect.starts_bare or not text_is_json)
        self._may_be_json = text_is_json
        self._tape = tape
        self._output = output
        self._calls = CallWriter(output, tape)
        self._roles = MarkerRoles.of(dialect)
        self._body = BodyReader(dialect, self._tools, tape, self._calls)
        self._follows_marker = False
        self._is_malformed = False
        self._line_ends = ""
        self._has_text = False
        self._gap = ("", 0)

    def read(self, opens_reasoning: bool) -> Reading[None]:
        body = self._dialect.body
        if isinstance(body, HarmonyBody):
            messages = HarmonyReader(
                self._tape, self._output, self._calls, self._tools, has_calls=body.has_calls
            )
            yield from messages.read(is_in_analysis=opens_reasoning)
            return
        if opens_reasoning:
            self._follows_marker = True
            yield from self._read_reasoning()
        while (yield from self._tape.peek()):
            if self._may_be_bare and (yield from self._read_bare_calls()):
                return
            if self._may_be_json:
                yield from self._read_json_text()
            yield from self._read_text()

    def _read_text(self) -> Reading[None]:
        """Text up to the next marker, and what that marker begins."""
        marker = yield from self._scan(self._roles.in_text, self._say)
        if marker is None:
            return
        self._may_be_bare &= marker in self._roles.around_text
        if marker in self._roles.opens_call:
            yield from self._read_call(marker)
        elif self._is_malformed and marker in self._roles.closes_call:
            self._is_malformed = False
            self._show(marker)
        else:
            self._drop(marker)
            if marker in self._roles.opens_reasoning:
                yield from self._read_reasoning()

    def _read_json_text(self) -> Reading[None]:
        """A text that is JSON, if one begins here."""
        if (yield from self._tape.match(JSON_BEGINS)) is None:
            return
        try:
            yield from self._expect_no_marker()
            self._may_be_json = False
            yield from read_json(self._tape, self._say_taken)
        except Malformed:
            return  # what is left of it is text like any other

    def _read_reasoning(self) -> Reading[None]:
        """Thinking, up to its end or to a call that ends it."""
        while True:
            marker = yield from self._scan(self._roles.in_reasoning, self._reason)
            if marker is None:
                return
            if marker in self._roles.opens_reasoning:
                self._drop(marker)
            elif marker in self._roles.ends_reasoning:
                self._drop(marker)
                return
            elif (yield from self._read_promoted_call(marker)):
                return

    def _read_call(self, marker: str) -> Reading[None]:
        """A call, or the text that turns out to be none."""
        offset, mark = self._tape.offset, self._tape.mark()
        self._is_malformed = False
        try:
            yield from self._body.read(marker)
        except Malformed as error:
            self._take_at_least(marker, offset)
            self._give_up(error, self._tape.since(mark), offset)
        self._tape.forget()
        self._follows_marker = not self._is_malformed

    def _give_up(self, error: Malformed, raw: str, offset: int) -> None:
        """What began as a call and is none; of several, what stands behind the last that was one.

        A call cut off before its name is nothing at all.
        """
        is_cut_off = self._tape.is_cut_off and (self._calls.is_open or isinstance(error, Ended))
        if self._calls.is_open:
            self._calls.abandon()
        elif not is_cut_off:
            start = max(offset, self._calls.closed_at)
            self._say(raw[start - offset :], start)
            self._is_malformed = True
        if is_cut_off:
            self._tape.take(len(self._tape.text))  # begun, and part of the call

    def _take_at_least(self, marker: str, offset: int) -> None:
        """A marker that opens nothing is no marker: it is not to be met a second time."""
        if self._tape.offset == offset:
            self._tape.take(self._tape.at + len(marker))

    def _read_promoted_call(self, marker: str) -> Reading[bool]:
        """A call inside thinking counts if the output ends behind it or goes on with another.

        Anything else was a draft, and is thinking like the rest.
        """
        offset, mark = self._tape.offset, self._tape.mark()
        self._output.hold()
        before, num_calls = self._line_ends, self._calls.num_calls
        try:
            while marker in self._roles.opens_section:
                self._drop(marker)
                yield from self._tape.skip_space()
                marker = yield from self._marker_here()
            yield from self._body.read(marker)
            is_call = yield from self._is_end_or_call()
        except Malformed:
            is_call = False
        if is_call:
            self._output.release()
        else:
            self._take_at_least(marker, offset)
            self._calls.forget(num_calls)
            self._output.discard()
            self._reason(before + self._tape.since(mark), offset)
        self._tape.forget()
        self._follows_marker = is_call
        return is_call

    def _is_end_or_call(self) -> Reading[bool]:
        while (yield from self._tape.skip_space()):
            marker = yield from self._marker_here()
            if marker not in self._roles.ends_output:
                return marker in self._roles.opens_call
            self._drop(marker)
        return True

    def _marker_here(self) -> Reading[str]:
        """The marker that stands right here. Raises Malformed if there is none."""
        marker = yield from self._roles.in_text.here(self._tape)
        if marker is None:
            raise Malformed
        return marker

    def _read_bare_calls(self) -> Reading[bool]:
        """Calls without any marker: only as the whole message, and only of offered tools."""
        if not (yield from self._body.can_begin_bare()):
            return False
        self._may_be_bare = False
        offset, mark = self._tape.offset, self._tape.mark()
        self._output.hold()
        self._calls.only = self._tools
        try:
            yield from self._expect_no_marker()
            yield from self._body.read_bare()
            is_whole = yield from self._is_end()
        except Malformed as error:
            is_whole = self._is_cut_off_behind_a_call(error, self._tape.since(mark))
        self._calls.only = None
        if is_whole:
            self._output.release()
        else:
            self._calls.forget(0)
            self._output.discard()
            self._say(self._tape.since(mark), offset)
        self._tape.forget()
        return is_whole

    def _is_cut_off_behind_a_call(self, error: Malformed, raw: str) -> bool:
        """What was finished before the tokens ran out stays a call; the open one is cut off.

        In a list nothing is finished before its end.
        """
        is_cut_off = isinstance(error, Ended) and self._tape.is_cut_off
        if not is_cut_off or not self._calls.num_calls or raw.lstrip().startswith("["):
            return False
        if self._calls.is_open:
            self._calls.abandon()
        return True

    def _expect_no_marker(self) -> Reading[None]:
        """A marker may begin like a list. Raises Malformed where one stands."""
        yield from self._tape.skip_space()
        if (yield from self._roles.in_text.here(self._tape)) is not None:
            raise Malformed

    def _is_end(self) -> Reading[bool]:
        while (yield from self._tape.skip_space()):
            marker = yield from self._marker_here()
            if marker not in self._roles.ends_output:
                return False
            self._drop(marker)
        return True

    def _scan(self, markers: Markers, write: TextWriter) -> Reading[str | None]:
        """Hand on the text before the next marker; the marker is left standing."""
        tape = self._tape
        while True:
            if self._follows_marker:
                yield from self._skip_line_ends()
            found = markers.find(tape)
            if found is None and tape.is_ended:
                self._write(write, len(tape.text))
                return None
            end = found[0] if found else markers.safe_end(tape)
            self._write(write, before_line_ends(tape.text, tape.at, end))
            if found:
                self._line_ends = tape.take(found[0])
                return tape.text[slice(*found)]
            yield

    def _write(self, write: TextWriter, end: int) -> None:
        if end > self._tape.at:
            offset = self._tape.offset
            write(self._tape.take(end), offset)

    def _skip_line_ends(self) -> Reading[None]:
        offset, line_ends = self._tape.offset, ""
        while (yield from self._tape.peek()) == "\n":
            line_ends += self._tape.take(self._tape.at + 1)
        self._gap = (line_ends, offset)
        self._follows_marker = False

    def _drop(self, marker: str) -> None:
        self._tape.take(self._tape.at + len(marker))
        self._follows_marker = True

    def _show(self, marker: str) -> None:
        offset = self._tape.offset
        self._say(self._tape.take(self._tape.at + len(marker)), offset)

    def _say(self, text: str, offset: int) -> None:
        self._may_be_bare = self._may_be_bare and text.isspace()
        gap, self._gap = self._gap, ("", 0)
        if self._has_text and gap[0]:
            self._output.text(*gap)
        self._has_text |= not text.isspace()
        self._output.text(text, offset)

    def _say_taken(self, text: str) -> None:
        """What was consumed last."""
        self._say(text, self._tape.offset - len(text))

    def _reason(self, text: str, offset: int) -> None:
        self._output.reasoning(text)
