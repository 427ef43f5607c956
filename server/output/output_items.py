"""The items of one response, opened and closed as the model's output goes from one to the next."""

import math
import re
from collections.abc import Iterable, Iterator

from antiphon.models.dialects.segments import (
    ArgumentsDelta,
    CallFinished,
    CallIncomplete,
    CallStarted,
    Citation,
    ReasoningDelta,
    RefusalDelta,
    Segment,
    TextDelta,
)
from antiphon.server.ids import IdSource
from antiphon.server.output.item_writers.custom_tool_call_writer import CustomToolCallWriter
from antiphon.server.output.item_writers.function_call_writer import FunctionCallWriter
from antiphon.server.output.item_writers.item_place import ItemPlace
from antiphon.server.output.item_writers.message_writer import MessageWriter
from antiphon.server.output.item_writers.reasoning_writer import ReasoningWriter
from antiphon.server.output.item_writers.refusal_writer import RefusalWriter
from antiphon.server.output.token_spans import TokenSpans
from antiphon.server.protocol.content import UrlCitation
from antiphon.server.protocol.events import ResponseOutputItemDoneStreamingEvent, StreamingEvent
from antiphon.server.protocol.items import ItemField, ItemStatus
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.seal import Seal
from antiphon.server.tool_menu import ToolMenu

CallWriter = FunctionCallWriter | CustomToolCallWriter
Writer = MessageWriter | RefusalWriter | ReasoningWriter | CallWriter

# Clients keep ids in places of all kinds; a model may write anything for one.
USABLE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class OutputItems:
    """Every method returns the events that follow from it. No item is ever open beside another.

    is_over  nothing more may be written: behind an incomplete call, or behind the last call that
             the client takes.
    """

    def __init__(
        self,
        body: CreateResponseBody,
        menu: ToolMenu,
        *,
        ids: IdSource,
        numbers: Iterator[int],
        seal: Seal,
        call_ids: Iterable[str] = (),
        token_spans: TokenSpans | None = None,
    ) -> None:
        self.finished: list[ItemField] = []
        self.has_broken_call = False
        self._max_calls = _max_calls(body)
        self._num_calls = 0
        self._menu = menu
        self._ids = ids
        self._numbers = numbers
        self._token_spans = token_spans
        self._seal = seal if "reasoning.encrypted_content" in (body.include or ()) else None
        self._is_obfuscated = bool(body.stream_options and body.stream_options.include_obfuscation)
        self._call_ids = set(call_ids)
        self._open: Writer | None = None
        self._lead_in: list[TextDelta] = []

    @property
    def is_over(self) -> bool:
        return self.has_broken_call or self._num_calls >= self._max_calls

    @property
    def open_reasoning(self) -> str | None:
        """What was thought so far, while nothing else has come behind it."""
        return self._open.text if isinstance(self._open, ReasoningWriter) else None

    def write(self, segment: Segment) -> list[StreamingEvent]:
        if self.is_over:
            return []
        match segment:
            case TextDelta():
                return self._write_text(segment)
            case ReasoningDelta(text=text):
                return self._write_reasoning(text)
            case RefusalDelta(text=text):
                return self._write_refusal(text)
            case Citation():
                return self._annotate(segment)
            case CallStarted():
                return self._begin(self._call_writer(segment))
            case ArgumentsDelta(json_text=json_text):
                assert isinstance(self._open, CallWriter), "arguments follow the call's start"
                return self._open.write(json_text)
            case CallFinished():
                self._num_calls += 1
                return self.close("completed")
            case CallIncomplete():
                self.has_broken_call = True
                return self.close("incomplete")

    def add(self, item: ItemField) -> list[StreamingEvent]:
        """An item that is there all at once."""
        events = self.close("completed")
        place = self._place_of(item.id)
        self.finished.append(item)
        return [*events, place.added(item), place.done(item)]

    def summarise(self, summary: str) -> list[StreamingEvent]:
        """End what was thought with what it comes to, in short; empty where nobody knows."""
        assert isinstance(self._open, ReasoningWriter), "only what was just thought is summarised"
        if not summary:
            return self.close("completed")
        return [*self._open.summarise(summary), *self.close("completed")]

    def close(self, status: ItemStatus) -> list[StreamingEvent]:
        """Close what is open."""
        if self._open is None:
            return []
        events = self._open.close(status)
        done = events[-1]
        assert isinstance(done, ResponseOutputItemDoneStreamingEvent), "which closes an item"
        self.finished.append(done.item)
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
        if isinstance(self._open, MessageWriter) and self._open.phase == delta.phase:
            return self._write_delta(self._open, delta)
        if not delta.text.strip():
            self._lead_in.append(delta)
            return []
        is_first = self._open is None and not self.finished
        return self._begin_message([*self._lead_in, delta] if is_first else [_stripped(delta)])

    def _begin_message(self, deltas: list[TextDelta]) -> list[StreamingEvent]:
        phase = deltas[-1].phase if deltas else None
        message = MessageWriter(self._place("msg"), phase)
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
        reasoning = ReasoningWriter(self._place("rs"), self._seal)
        return [*self._begin(reasoning), *reasoning.write(text)]

    def _write_refusal(self, text: str) -> list[StreamingEvent]:
        if isinstance(self._open, RefusalWriter):
            return self._open.write(text)
        refusal = RefusalWriter(self._place("msg"))
        return [*self._begin(refusal), *refusal.write(text)]

    def _annotate(self, citation: Citation) -> list[StreamingEvent]:
        """A citation of nothing is dropped."""
        if not isinstance(self._open, MessageWriter):
            return []
        annotation = UrlCitation(
            url=citation.url,
            title=citation.title,
            start_index=citation.begin,
            end_index=citation.end,
        )
        return self._open.annotate(annotation)

    def _call_writer(self, start: CallStarted) -> CallWriter:
        call_id = self._call_id(start.native_id)
        tool = self._menu.tool_named(start.name)
        if tool is None:
            return FunctionCallWriter(self._place("fc"), call_id=call_id, name=start.name)
        if tool.kind == "custom":
            return CustomToolCallWriter(self._place("ctc"), call_id=call_id, name=tool.own_name)
        return FunctionCallWriter(
            self._place("fc"), call_id=call_id, name=tool.own_name, namespace=tool.namespace
        )

    def _call_id(self, native_id: str | None) -> str:
        """The model's own id where it can be everybody's: a template may write it again."""
        is_usable = native_id is not None and USABLE_ID.fullmatch(native_id) is not None
        if native_id is None or not is_usable or native_id in self._call_ids:
            native_id = self._ids.new("call")
        self._call_ids.add(native_id)
        return native_id

    def _begin(self, writer: Writer) -> list[StreamingEvent]:
        closing = self.close("completed")
        self._open = writer
        self._lead_in = []
        return [*closing, *writer.open()]

    def _place(self, prefix: str) -> ItemPlace:
        return self._place_of(self._ids.new(prefix))

    def _place_of(self, item_id: str) -> ItemPlace:
        open_items = 0 if self._open is None else 1
        output_index = len(self.finished) + open_items
        return ItemPlace(item_id, output_index, self._numbers, self._is_obfuscated)


def _stripped(delta: TextDelta) -> TextDelta:
    text = delta.text.lstrip()
    return TextDelta(text, delta.offset + len(delta.text) - len(text), delta.phase)


def _max_calls(body: CreateResponseBody) -> float:
    """How many calls one response may hold."""
    if body.parallel_tool_calls is False:
        return 1
    return body.max_tool_calls or math.inf
