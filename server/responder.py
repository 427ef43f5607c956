"""The one event pipeline: deltas -> text -> segments -> items and events.

Every answer is a fold of it.
"""

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
from antiphon.server.output_parser import output_parser
from antiphon.server.output_text import OutputText
from antiphon.server.protocol.events import StreamingEvent, TerminalEvent
from antiphon.server.protocol.response import ResponseResource
from antiphon.server.response_builder import ResponseBuilder
from antiphon.server.sampling import stop_strings
from antiphon.server.token_spans import TokenSpans
from antiphon.server.token_tally import TokenTally

logger = logging.getLogger(__name__)


async def respond(turn: Turn, ids: IdSource, clock: Clock) -> AsyncGenerator[StreamingEvent, None]:
    """All events of the response. The last one is terminal, and the only terminal one.

    Whoever reads them has entered the turn's generation, and leaves it at the end.
    """
    token_spans = _token_spans(turn)
    builder = ResponseBuilder(
        turn.body, turn.params, model=turn.model, ids=ids, clock=clock, token_spans=token_spans
    )
    tally = TokenTally(len(turn.prompt.token_ids))
    for event in builder.start():
        yield event
    try:
        output_text, parser = _output_text(turn, token_spans), output_parser(turn)
        finish_reason: FinishReason | None = None
        async for delta in turn.generation:
            segments = parser.feed(output_text.feed(delta))
            tally.add(delta, segments)
            for event in builder.segments(segments):
                yield event
            finish_reason = delta.finish_reason
            if output_text.is_stopped or builder.is_over:
                finish_reason = FinishReason.STOP
                break
        is_cut_off = _is_cut_off(finish_reason)
        for event in builder.segments(parser.finish(is_cut_off=is_cut_off)):
            yield event
        ending = builder.cut_off(tally.usage()) if is_cut_off else builder.complete(tally.usage())
    except Exception as error:
        _log_failure(error)
        ending = builder.fail(failure_payload(error), tally.usage())
    for event in ending:
        yield event


def _token_spans(turn: Turn) -> TokenSpans | None:
    if turn.params.num_top_logprobs is None:
        return None
    return TokenSpans(turn.language_side.tokenizer)


def _output_text(turn: Turn, token_spans: TokenSpans | None) -> OutputText:
    detokenizer = Detokenizer(
        turn.language_side.tokenizer, turn.prompt.token_ids, turn.language_side.hidden_token_ids
    )
    return OutputText(detokenizer, StopStrings(stop_strings(turn.body)), token_spans)


def _is_cut_off(finish_reason: FinishReason | None) -> bool:
    """Raises EngineDied for a sequence that was not finished at all."""
    if finish_reason in (None, FinishReason.ABORTED):
        raise EngineDied("The engine dropped the sequence before it was finished.")
    return finish_reason is FinishReason.LENGTH


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
