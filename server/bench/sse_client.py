"""Reading server-sent events from bytes that arrive cut anywhere.

Source: WHATWG HTML, section 9.2.6, "Interpreting an event stream"; ids and retry times are dropped.
"""

from dataclasses import dataclass

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One event: its name (empty where the stream gives none) and its data lines joined."""

    name: str
    data: str


class SseDecoder:
    """Feed it chunks; it returns the events that each chunk completes.

    An event that the end of the stream cuts off is never returned, as the specification asks.
    """

    def __init__(self) -> None:
        self._rest = b""  # the beginning of a line whose end has not arrived
        self._ended_in_return = False  # a newline that comes next belongs to the same line end
        self._is_first_line = True
        self._name = ""
        self._lines: list[str] = []

    def feed(self, chunk: bytes) -> list[SseEvent]:
        if not chunk:
            return []
        if self._ended_in_return:
            chunk = chunk.removeprefix(b"\n")
        self._ended_in_return = chunk.endswith(b"\r")
        events = (self._read_line(line) for line in self._complete_lines(chunk))
        return [event for event in events if event is not None]

    def _complete_lines(self, chunk: bytes) -> list[bytes]:
        lines = (self._rest + chunk).splitlines(keepends=True)
        self._rest = lines.pop() if lines and not lines[-1].endswith((b"\n", b"\r")) else b""
        return [line.rstrip(b"\r\n") for line in lines]

    def _read_line(self, line: bytes) -> SseEvent | None:
        if self._is_first_line:
            line = line.removeprefix(BYTE_ORDER_MARK)
            self._is_first_line = False
        if not line:
            return self._dispatch()
        field, _, value = line.decode("utf-8", errors="replace").partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._lines.append(value)
        return None

    def _dispatch(self) -> SseEvent | None:
        event = SseEvent(self._name, "\n".join(self._lines)) if self._lines else None
        self._name, self._lines = "", []
        return event
