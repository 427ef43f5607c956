"""gpt-oss's output: messages with headers. Source: github.com/openai/harmony, docs/format.md.

Headers are read leniently, as models vary them: the recipient may stand in the role or in the
channel, a content type may be missing, and any message may lack its end.
"""

from collections.abc import Callable, Mapping
from functools import partial

import regex

from antiphon.models.dialects.call_writer import CallWriter, SegmentWriter
from antiphon.models.dialects.json_scanner import read_json
from antiphon.models.dialects.markers import Markers
from antiphon.models.dialects.segments import Phase
from antiphon.models.dialects.tape import Malformed, Reading, Tape
from antiphon.models.dialects.tool_types import ToolTypes

START, CHANNEL, MESSAGE = "<|start|>", "<|channel|>", "<|message|>"
ENDS = ("<|end|>", "<|return|>", "<|call|>")
HEADER_TOKENS = Markers([START, CHANNEL, MESSAGE, "<|constrain|>", *ENDS])
END_TOKENS = Markers(ENDS)
BODY_TOKENS = Markers([START, CHANNEL, *ENDS])
# A token inside a body that no header follows is the model talking about its own notation.
BODY_END = regex.compile(
    r"(?:<\|end\|>|<\|return\|>|<\|call\|>)\s{0,8}(?:<\|start\|>|<\|channel\|>)"
    r"|<\|start\|>assistant|<\|channel\|>[^<]{1,256}(?:<\|constrain\|>[^<]{0,64})?<\|message\|>"
)
RECIPIENT = regex.compile(r"to=(?P<namespace>functions\.)?(?P<name>[\w.\-]{1,256})")
RECIPIENT_ELSEWHERE = regex.compile(r"to=(?!assistant\b|user\b)\S")
KNOWN_HEADER = regex.compile(r"^\s*(?:assistant)?\s*(?:analysis|commentary|final)?\s*")

PHASES: Mapping[str, Phase] = {"commentary": "commentary", "final": "final_answer"}

TextWriter = Callable[[str, int], None]


class HarmonyReader:
    """Reads all messages of one output."""

    def __init__(
        self,
        tape: Tape,
        output: SegmentWriter,
        calls: CallWriter,
        tools: ToolTypes,
        *,
        has_calls: bool,
    ) -> None:
        self._tape = tape
        self._output = output
        self._calls = calls
        self._tools = tools
        self._has_calls = has_calls

    def read(self, *, is_in_analysis: bool) -> Reading[None]:
        if is_in_analysis:
            yield from self._read_text(self._reason)
        while (yield from self._tape.peek()):
            header = yield from self._read_header()
            if header is not None:
                yield from self._read_message(header)

    def _read_header(self) -> Reading[str | None]:
        """Up to the message token; None, and shown as text, for one that never gets there."""
        pieces: list[str] = []
        while True:
            offset = self._tape.offset
            piece, token = yield from self._until(HEADER_TOKENS)
            pieces.append(piece)
            if token == MESSAGE:
                return "".join(pieces)
            if token is None or token in ENDS:
                self._show_rest_of_header(pieces, offset)
                return None
            if token == START:
                self._show_rest_of_header(pieces, offset)
                pieces.clear()
            else:
                pieces.append(token)

    def _show_rest_of_header(self, pieces: list[str], offset: int) -> None:
        """A message whose header was never finished says what stands behind its channel."""
        shown = KNOWN_HEADER.sub("", pieces[-1], count=1)
        if not self._tape.is_cut_off and shown.strip():
            self._output.text(shown, offset + len(pieces[-1]) - len(shown))

    def _read_message(self, header: str) -> Reading[None]:
        name = self._recipient(header)
        channel = header.rpartition(CHANNEL)[2].split()
        if name is not None and self._has_calls:
            yield from self._read_call(name)
        elif self._has_calls and RECIPIENT_ELSEWHERE.search(header):
            yield from self._skip_body()  # said to a tool that nobody offered
        elif channel and channel[0].startswith("analysis"):
            yield from self._read_text(self._reason)
        else:
            phase = PHASES.get(channel[0]) if channel else None
            yield from self._read_text(partial(self._output.text, phase=phase))

    def _recipient(self, header: str) -> str | None:
        for found in RECIPIENT.finditer(header):
            if found["namespace"] or found["name"] in self._tools:
                return str(found["name"])
        return None

    def _read_call(self, name: str) -> Reading[None]:
        self._calls.start(name)
        try:
            character = yield from self._tape.skip_space()
            if character == "{":
                yield from read_json(self._tape, self._calls.write)
            elif not character and self._tape.is_cut_off:
                raise Malformed
            elif character not in ("", "<"):
                yield from self._skip_body()
                raise Malformed
            self._calls.finish()
        except Malformed:
            self._calls.abandon()
        yield from self._tape.skip_space()
        if not (yield from END_TOKENS.taken(self._tape)):
            yield from self._read_text(self._output.text)

    def _reason(self, text: str, offset: int) -> None:
        self._output.reasoning(text)

    def _skip_body(self) -> Reading[None]:
        yield from self._read_text(lambda text, offset: None)

    def _read_text(self, write: TextWriter) -> Reading[None]:
        """A body, up to the token behind it. A token that begins a header is left standing."""
        while True:
            found = BODY_TOKENS.find(self._tape)
            end = found[0] if found else BODY_TOKENS.safe_end(self._tape)
            end = len(self._tape.text) if not found and self._tape.is_ended else end
            if end > self._tape.at:
                offset = self._tape.offset
                write(self._tape.take(end), offset)
            if found:
                if (yield from self._is_body_end()):
                    return
                offset = self._tape.offset
                write(self._tape.take(self._tape.at + 1), offset)
            elif self._tape.is_ended:
                return
            else:
                yield

    def _is_body_end(self) -> Reading[bool]:
        """Whether the token here ends the body; one that only ends it is consumed."""
        follows = yield from self._tape.match(BODY_END)
        token = yield from BODY_TOKENS.here(self._tape)
        assert token is not None
        end = self._tape.at + len(token)
        is_last = self._tape.is_ended and not self._tape.text[end:].strip()
        is_end = follows is not None or is_last
        if is_end and token in ENDS:
            self._tape.take(end)
        return is_end

    def _until(self, markers: Markers) -> Reading[tuple[str, str | None]]:
        """The text before the next marker, and the marker; both consumed."""
        pieces: list[str] = []
        while True:
            found = markers.find(self._tape)
            if found:
                pieces.append(self._tape.take(found[0]))
                return "".join(pieces), self._tape.take(found[1])
            if self._tape.is_ended:
                pieces.append(self._tape.take(len(self._tape.text)))
                return "".join(pieces), None
            pieces.append(self._tape.take(markers.safe_end(self._tape)))
            yield
