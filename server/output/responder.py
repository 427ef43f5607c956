"""The one event pipeline: deltas -> text -> segments -> items and events.

Every answer is a fold of it.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from itertools import groupby

from antiphon.engine.errors import EngineDied, EngineError
from antiphon.engine.generation import Generation
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

Events = AsyncGenerator[list[StreamingEvent], None]
"""Those that follow from one thing, such as a delta: never none."""


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
        yield self._builder.start()
        try:
            async for events in self._output():
                yield events
            ending = self._ending()
        except Exception as error:
            _log_failure(error)
            ending = self._builder.fail(failure_payload(error), self._usage())
        yield ending

    async def _output(self) -> Events:
        """From the first item to the last; what is open then is for the ending to close."""
        if self._admission.compaction is not None:
            yield [*self._begin(), *self._builder.item(self._admission.compaction.item)]
        if self._admission.turn is None or self._reader is None:
            self._finish_reason = FinishReason.STOP
            return
        async for segments in self._heard(self._admission.turn.generation, self._reader):
            if events := self._begin():
                yield events
            # Between what was thought and anything else comes a summary, which takes its time.
            for is_thought, part in groupby(segments, key=_is_thought):
                if not is_thought and self._owes_summary:
                    yield await self._summary()
                if events := self._builder.segments(part):
                    yield events
        if not self._is_cut_off and self._owes_summary:
            yield await self._summary()

    async def _heard(
        self, generation: Generation, reader: TurnReader
    ) -> AsyncGenerator[list[Segment], None]:
        """What each delta turns out to say, and at the end all the rest.

        Raises EngineDied for a sequence that was not finished at all.
        """
        async for delta in generation:
            self._finish_reason = delta.finish_reason
            yield self._read(delta, reader)
            if reader.is_stopped or self._builder.is_over:
                self._finish_reason = FinishReason.STOP
                break
        if self._finish_reason is None:
            raise EngineDied("The engine dropped the sequence before it was finished.")
        yield reader.finish(is_cut_off=self._is_cut_off)

    def _read(self, delta: SequenceDelta, reader: TurnReader) -> list[Segment]:
        if not self._generates:
            return []
        segments = reader.feed(delta)
        self._tally.add(delta, segments)
        return segments

    def _begin(self) -> list[StreamingEvent]:
        """What was queued is in progress once anything comes of it."""
        if self._has_begun:
            return []
        self._has_begun = True
        return self._builder.begin()

    @property
    def _is_cut_off(self) -> bool:
        return self._finish_reason in (FinishReason.LENGTH, FinishReason.ABORTED)

    @property
    def _owes_summary(self) -> bool:
        """Whether something was just thought, and somebody asked for what it comes to."""
        return self._summaries is not None and bool(self._builder.open_reasoning)

    async def _summary(self) -> list[StreamingEvent]:
        """Of what was just thought; its item ends with that."""
        thoughts = self._builder.open_reasoning
        assert self._summaries is not None, "only what was asked for is owed"
        assert thoughts is not None, "only what was just thought is summarised"
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


def _is_thought(segment: Segment) -> bool:
    return isinstance(segment, ReasoningDelta)


def _log_failure(error: Exception) -> None:
    if isinstance(error, EngineError):
        logger.error("A response failed: %s", error)
    else:
        logger.exception("A response failed.")


async def final_response(made: AsyncIterator[list[Emission]]) -> ResponseResource:
    """The plain answer: what the last event of the stream says."""
    last: Emission | None = None
    async for emissions in made:
        last = emissions[-1]
    assert last is not None, "every stream has events"
    assert isinstance(last.event, TerminalEvent), "every stream ends with a terminal event"
    return last.event.response
