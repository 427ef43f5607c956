"""The calls of one output, as they are read: names, arguments, ends."""

from collections.abc import Container

from antiphon.models.dialects.json_text import escape_surrogates, is_json_object
from antiphon.models.dialects.segments import (
    ArgumentsDelta,
    CallFinished,
    CallIncomplete,
    CallStarted,
    Phase,
    ReasoningDelta,
    Segment,
    TextDelta,
)
from antiphon.models.dialects.tape import Malformed, Tape

MAX_NAME_CHARS = 256


class SegmentWriter:
    """Collects segments; neighbouring deltas of one kind become one.

    What is written after `hold` waits until `release` or `discard`.
    """

    __slots__ = ("_ready", "segments")

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self._ready: list[Segment] | None = None

    def take(self) -> list[Segment]:
        """What may be shown now."""
        if self._ready is not None:
            taken, self._ready = self._ready, []
        else:
            taken, self.segments = self.segments, []
        return taken

    def hold(self) -> None:
        self._ready, self.segments = self.segments, []

    def release(self) -> None:
        assert self._ready is not None
        self.segments = self._ready + self.segments
        self._ready = None

    def discard(self) -> None:
        assert self._ready is not None
        self.segments, self._ready = self._ready, None

    def text(self, text: str, offset: int, phase: Phase | None = None) -> None:
        """A text that goes on where the last one ended is part of it."""
        last = self.segments[-1] if self.segments else None
        if (
            isinstance(last, TextDelta)
            and last.offset + len(last.text) == offset
            and last.phase == phase
        ):
            self.segments[-1] = TextDelta(last.text + text, last.offset, phase)
        elif text:
            self.segments.append(TextDelta(text, offset, phase))

    def reasoning(self, text: str) -> None:
        last = self.segments[-1] if self.segments else None
        if isinstance(last, ReasoningDelta):
            self.segments[-1] = ReasoningDelta(last.text + text)
        elif text:
            self.segments.append(ReasoningDelta(text))

    def arguments(self, index: int, json_text: str) -> None:
        last = self.segments[-1] if self.segments else None
        if isinstance(last, ArgumentsDelta) and last.index == index:
            self.segments[-1] = ArgumentsDelta(index, last.json_text + json_text)
        elif json_text:
            self.segments.append(ArgumentsDelta(index, json_text))


class CallWriter:
    """Writes calls one after the other; at most one is open.

    Arguments that are no JSON object in the end make the call incomplete: nobody may run it.

    closed_at  where on the tape the last call ended.
    """

    __slots__ = ("_is_open", "_pieces", "_tape", "closed_at", "num_calls", "only", "output")

    def __init__(self, output: SegmentWriter, tape: Tape) -> None:
        self.output = output
        self._tape = tape
        self.closed_at = 0
        self.num_calls = 0
        self.only: Container[str] | None = None
        """Names that may be called, where anything else is no call at all."""
        self._is_open = False
        self._pieces: list[str] = []

    @property
    def is_open(self) -> bool:
        return self._is_open

    def start(self, name: str, native_id: str | None = None) -> None:
        """Raises Malformed for a name that cannot be one."""
        if not _is_name(name) or (self.only is not None and name not in self.only):
            raise Malformed
        self.output.segments.append(CallStarted(self.num_calls, name, native_id))
        self._is_open = True
        self._pieces.clear()

    def write(self, json_text: str) -> None:
        self._pieces.append(json_text)
        self.output.arguments(self.num_calls, json_text)

    def finish(self) -> None:
        """A call without arguments has the empty object."""
        if not self._pieces:
            self.write("{}")
        if is_json_object("".join(self._pieces)):
            self.output.segments.append(CallFinished(self.num_calls))
            self._close()
        else:
            self.abandon()

    def abandon(self) -> None:
        self.output.segments.append(CallIncomplete(self.num_calls))
        self._close()

    def forget(self, num_calls: int) -> None:
        """Go back to when there were so many; what was written since is discarded elsewhere."""
        self.num_calls = num_calls
        self._is_open = False

    def _close(self) -> None:
        self._is_open = False
        self.closed_at = self._tape.offset
        self.num_calls += 1


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_NAME_CHARS and escape_surrogates(text) == text
