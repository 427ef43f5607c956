"""The one event pipeline: deltas -> text -> items and events. Every answer is a fold of it."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator

from antiphon.engine.errors import EngineDied, EngineError
from antiphon.engine.outputs import FinishReason
from antiphon.models.detokenizer import Detokenizer
from antiphon.models.stop_strings import StopStrings
from antiphon.server.admission import Turn
from antiphon.server.clock import Clock
from antiphon.server.error_table import failure_payload
from antiphon.server.ids import IdSource
from antiphon.server.output_text import OutputText
from antiphon.server.protocol.events import StreamingEvent, TerminalEvent
from antiphon.server.protocol.response import ResponseResource
from antiphon.server.response_builder import ResponseBuilder
from antiphon.server.sampling import stop_strings
from antiphon.server.token_tally import TokenTally

logger = logging.getLogger(__name__)


async def respond(turn: Turn, ids: IdSource, clock: Clock) -> AsyncGenerator[StreamingEvent, None]:
    """All events of the response. The last one is terminal, and the only terminal one.

    Whoever reads them has entered the turn's generation, and leaves it at the end.
    """
    builder = ResponseBuilder(turn.body, turn.params, model=turn.model, ids=ids, clock=clock)
    tally = TokenTally(len(turn.prompt_token_ids))
    for event in builder.start():
        yield event
    try:
        output_text = _output_text(turn)
        finish_reason: FinishReason | None = None
        async for delta in turn.generation:
            tally.add(delta)
            for event in builder.text(output_text.feed(delta)):
                yield event
            finish_reason = FinishReason.STOP if output_text.is_stopped else delta.finish_reason
            if output_text.is_stopped:
                break
        ending = _end(builder, finish_reason, tally)
    except Exception as error:
        _log_failure(error)
        ending = builder.fail(failure_payload(error), tally.usage())
    for event in ending:
        yield event


def _output_text(turn: Turn) -> OutputText:
    detokenizer = Detokenizer(turn.language_side.tokenizer, turn.prompt_token_ids)
    return OutputText(detokenizer, StopStrings(stop_strings(turn.body)))


def _end(
    builder: ResponseBuilder, finish_reason: FinishReason | None, tally: TokenTally
) -> list[StreamingEvent]:
    match finish_reason:
        case FinishReason.STOP:
            return builder.complete(tally.usage())
        case FinishReason.LENGTH:
            return builder.cut_off(tally.usage())
    raise EngineDied("The engine dropped the sequence before it was finished.")


def _log_failure(error: Exception) -> None:
    if isinstance(error, EngineError):
        logger.error("A response failed: %s", error)
    else:
        logger.exception("A response failed.")


async def final_response(events: AsyncIterator[StreamingEvent]) -> ResponseResource:
    """The plain answer: what the last event of the stream says."""
    last: StreamingEvent | None = None
    async for event in events:
        last = event
    assert isinstance(last, TerminalEvent), "every stream ends with a terminal event"
    return last.response
