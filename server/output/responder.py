"""The one event pipeline: deltas -> text -> segments -> items and events.

Every answer is a fold of it.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable

from antiphon.engine.errors import EngineDied, EngineError
from antiphon.engine.outputs import FinishReason, SequenceDelta
from antiphon.models.dialects.segments import ReasoningDelta, Segment
from antiphon.server.admission import Admission
from antiphon.server.clock import Clock
from antiphon.server.compaction.thought_summaries import ThoughtSummaries
from antiphon.server.delivery.emission import Emission
from antiphon.server.error_table import failure_payload
from antiphon.server.ids import IdSource
from antiphon.server.output.response_builder import ResponseBuilder
from antiphon.server.output.token_tally import NOTHING_SPENT, TokenTally, together
from antiphon.server.output.turn import TurnReader
from antiphon.server.protocol.events import StreamingEvent, TerminalEvent
from antiphon.server.protocol.response import ResponseResource, Usage
from antiphon.server.seal import Seal

logger = logging.getLogger(__name__)

Events = AsyncGenerator[StreamingEvent, None]


class Responder:
    """Makes one response.

    Whoever reads its events has entered the admission, and leaves it at the end.
    """

    def __init__(self, admission: Admission, ids: IdSource, clock: Clock, seal: Seal) -> None:
        self._admission = admission
        turn = admission.turn
        self._reader = TurnReader(turn) if turn else None
        self._tally = TokenTally(len(turn.prompt.token_ids) if turn else 0)
        self._spent = admission.compaction.usage if admission.compaction else NOTHING_SPENT
        self._builder = ResponseBuilder(
            admission.body,
            admission.params,
            admission.menu,
            model=admission.model,
            ids=ids,
            clock=clock,
            seal=seal,
            call_ids=admission.history.call_ids,
            token_spans=self._reader.token_spans if self._reader else None,
        )
        self._summaries = ThoughtSummaries.for_request(admission.body, admission.summariser)
        self._generates = admission.body.generate is not False
        self._has_begun = not admission.body.background
        self._finish_reason: FinishReason | None = None

    async def events(self) -> Events:
        """All events of the response. The last one is terminal, and the only terminal one."""
        for event in self._builder.start():
            yield event
        try:
            async for event in self._output():
                yield event
            ending = self._ending()
        except Exception as error:
            _log_failure(error)
            ending = self._builder.fail(failure_payload(error), self._usage())
        for event in ending:
            yield event

    async def _output(self) -> Events:
        """From the first item to the last; what is open then is for the ending to close."""
        if self._admission.compaction is not None:
            for event in [*self._begin(), *self._builder.item(self._admission.compaction.item)]:
                yield event
        if self._admission.turn is None or self._reader is None:
            self._finish_reason = FinishReason.STOP
            return
        async for delta in self._admission.turn.generation:
            for event in self._begin():
                yield event
            self._finish_reason = delta.finish_reason
            if self._generates:
                async for event in self._more(delta, self._reader):
                    yield event
            if self._reader.is_stopped or self._builder.is_over:
                self._finish_reason = FinishReason.STOP
                break
        async for event in self._rest(self._reader):
            yield event

    def _begin(self) -> list[StreamingEvent]:
        """What was queued is in progress once anything comes of it."""
        if self._has_begun:
            return []
        self._has_begun = True
        return self._builder.begin()

    async def _more(self, delta: SequenceDelta, reader: TurnReader) -> Events:
        segments = reader.feed(delta)
        self._tally.add(delta, segments)
        async for event in self._written(segments):
            yield event

    async def _rest(self, reader: TurnReader) -> Events:
        """Raises EngineDied for a sequence that was not finished at all."""
        if self._finish_reason is None:
            raise EngineDied("The engine dropped the sequence before it was finished.")
        is_cut_off = self._finish_reason in (FinishReason.LENGTH, FinishReason.ABORTED)
        async for event in self._written(reader.finish(is_cut_off=is_cut_off)):
            yield event
        if not is_cut_off:
            for event in await self._summary():
                yield event

    async def _written(self, segments: Iterable[Segment]) -> Events:
        for segment in segments:
            if self._summaries is not None and not isinstance(segment, ReasoningDelta):
                for event in await self._summary():
                    yield event
            for event in self._builder.segment(segment):
                yield event

    async def _summary(self) -> list[StreamingEvent]:
        """Of what was just thought, if anybody asked; its item ends with that."""
        thoughts = self._builder.open_reasoning
        if self._summaries is None or not thoughts:
            return []
        summary = await self._summaries.of(thoughts)
        if summary is None:
            return self._builder.summarise("")
        self._spent = together(self._spent, summary.usage)
        return self._builder.summarise(summary.text)

    def _ending(self) -> list[StreamingEvent]:
        match self._finish_reason:
            case FinishReason.ABORTED:
                return self._builder.cancel(self._usage())
            case FinishReason.LENGTH if self._generates:
                return self._builder.cut_off(self._usage())
        return self._builder.complete(self._usage())

    def _usage(self) -> Usage:
        return together(self._spent, self._tally.usage())


def _log_failure(error: Exception) -> None:
    if isinstance(error, EngineError):
        logger.error("A response failed: %s", error)
    else:
        logger.exception("A response failed.")


async def final_response(emissions: AsyncIterator[Emission]) -> ResponseResource:
    """The plain answer: what the last event of the stream says."""
    last: Emission | None = None
    async for emission in emissions:
        last = emission
    assert last is not None, "every stream has events"
    assert isinstance(last.event, TerminalEvent), "every stream ends with a terminal event"
    return last.event.response
