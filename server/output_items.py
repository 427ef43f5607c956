"""The items of one response, opened and closed as the model's output goes from one to the next."""

import re
from collections.abc import Iterator

from antiphon.models.dialects.segments import (
    ArgumentsDelta,
    CallFinished,
    CallIncomplete,
    CallStarted,
    ReasoningDelta,
    Segment,
    TextDelta,
)
from antiphon.server.ids import IdSource
from antiphon.server.item_writers.custom_tool_call_writer import CustomToolCallWriter
from antiphon.server.item_writers.function_call_writer import FunctionCallWriter
from antiphon.server.item_writers.item_place import ItemPlace
from antiphon.server.item_writers.message_writer import MessageWriter
from antiphon.server.item_writers.reasoning_writer import ReasoningWriter
from antiphon.server.protocol.events import StreamingEvent
from antiphon.server.protocol.input_items import CustomToolCallParam, FunctionCallParam
from antiphon.server.protocol.items import ItemField, ItemStatus
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.protocol.tools import CustomToolParam
from antiphon.server.token_spans import TokenSpans

CallWriter = FunctionCallWriter | CustomToolCallWriter

# Clients keep ids in places of all kinds; a model may write anything for one.
USABLE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class OutputItems:
    """Every method returns the events that follow from it. No item is ever open beside another.

    is_over  nothing more may be written: behind an incomplete call, or behind the one call that
             a client without parallel calls takes.
    """

    def __init__(
        self,
        body: CreateResponseBody,
        ids: IdSource,
        numbers: Iterator[int],
        token_spans: TokenSpans | None,
    ) -> None:
        self.finished: list[ItemField] = []
        self.has_broken_call = False
        self._allows_parallel = body.parallel_tool_calls is not False
        self._has_call = False
        self._ids = ids
        self._numbers = numbers
        self._token_spans = token_spans
        self._is_sealed = "reasoning.encrypted_content" in (body.include or ())
        self._custom_names = {t.name for t in body.tools or () if isinstance(t, CustomToolParam)}
        self._call_ids = _call_ids(body)
        self._open: MessageWriter | ReasoningWriter | CallWriter | None = None
        self._lead_in: list[TextDelta] = []

    @property
    def is_over(self) -> bool:
        return self.has_broken_call or (self._has_call and not self._allows_parallel)

    def write(self, segment: Segment) -> list[StreamingEvent]:
        if self.is_over:
            return []
        match segment:
            case TextDelta():
                return self._write_text(segment)
            case ReasoningDelta(text=text):
                return self._write_reasoning(text)
            case CallStarted():
                return self._begin(self._call_writer(segment))
            case ArgumentsDelta(json_text=json_text):
                assert isinstance(self._open, CallWriter), "arguments follow the call's start"
                return self._open.write(json_text)
            case CallFinished():
                self._has_call = True
                return self.close("completed")
            case CallIncomplete():
                self.has_broken_call = True
                return self.close("incomplete")

    def close(self, status: ItemStatus) -> list[StreamingEvent]:
        """Close what is open."""
        if self._open is None:
            return []
        events = self._open.close(status)
        self.finished.append(self._open.item(status))
        self._open = None
        return events

    def close_all(self, status: ItemStatus) -> list[StreamingEvent]:
        """A response always has an item, even if the model said nothing."""
        events: list[StreamingEvent] = []
        if self._open is None and not self.finished:
            events = self._begin_message(self._lead_in)
        return [*events, *self.close(status)]

    def _write_text(self, delta: TextDelta) -> list[StreamingEvent]:
        """White space alone sets items apart and opens none, unless it begins the response."""
        if isinstance(self._open, MessageWriter):
            return self._write_delta(self._open, delta)
        if not delta.text.strip():
            self._lead_in.append(delta)
            return []
        is_first = self._open is None and not self.finished
        return self._begin_message([*self._lead_in, delta] if is_first else [_stripped(delta)])

    def _begin_message(self, deltas: list[TextDelta]) -> list[StreamingEvent]:
        message = MessageWriter(self._place("msg"))
        events = self._begin(message)
        for delta in deltas:
            events += self._write_delta(message, delta)
        return events

    def _write_delta(self, message: MessageWriter, delta: TextDelta) -> list[StreamingEvent]:
        if not delta.text:
            return []
        if self._token_spans is None:
            return message.write(delta.text)
        return message.write(delta.text, self._token_spans.take(delta.offset, len(delta.text)))

    def _write_reasoning(self, text: str) -> list[StreamingEvent]:
        """Thinking that is only white space was none."""
        if isinstance(self._open, ReasoningWriter):
            return self._open.write(text) if text else []
        text = text.lstrip()
        if not text:
            return []
        reasoning = ReasoningWriter(self._place("rs"), is_sealed=self._is_sealed)
        return [*self._begin(reasoning), *reasoning.write(text)]

    def _call_writer(self, start: CallStarted) -> CallWriter:
        call_id = self._call_id(start.native_id)
        if start.name in self._custom_names:
            return CustomToolCallWriter(self._place("ctc"), call_id=call_id, name=start.name)
        return FunctionCallWriter(self._place("fc"), call_id=call_id, name=start.name)

    def _call_id(self, native_id: str | None) -> str:
        """The model's own id where it can be everybody's: a template may write it again."""
        is_usable = native_id is not None and USABLE_ID.fullmatch(native_id) is not None
        if native_id is None or not is_usable or native_id in self._call_ids:
            native_id = self._ids.new("call")
        self._call_ids.add(native_id)
        return native_id

    def _begin(self, writer: MessageWriter | ReasoningWriter | CallWriter) -> list[StreamingEvent]:
        closing = self.close("completed")
        self._open = writer
        self._lead_in = []
        return [*closing, *writer.open()]

    def _place(self, prefix: str) -> ItemPlace:
        open_items = 0 if self._open is None else 1
        output_index = len(self.finished) + open_items
        return ItemPlace(self._ids.new(prefix), output_index, self._numbers)


def _stripped(delta: TextDelta) -> TextDelta:
    text = delta.text.lstrip()
    return TextDelta(text, delta.offset + len(delta.text) - len(text))


def _call_ids(body: CreateResponseBody) -> set[str]:
    """Those that the conversation holds already."""
    items = body.input if isinstance(body.input, list) else []
    calls = (FunctionCallParam, CustomToolCallParam)
    return {item.call_id for item in items if isinstance(item, calls)}
