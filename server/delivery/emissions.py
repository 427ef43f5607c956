"""The events of one response on their way out, kept before anybody hears of the end."""

import contextlib
import logging

from antiphon.server.context import ServerContext
from antiphon.server.delivery.emission import Emission, Emissions
from antiphon.server.delivery.response_record import ResponseRecord
from antiphon.server.error_table import error_payload
from antiphon.server.output.responder import Responder
from antiphon.server.protocol.errors import ErrorPayload
from antiphon.server.protocol.events import (
    ErrorStreamingEvent,
    ResponseFailedStreamingEvent,
    TerminalEvent,
)
from antiphon.server.protocol.response import Error
from antiphon.server.store.errors import StoreError
from antiphon.server.store.records import RecordedEvent

logger = logging.getLogger(__name__)


async def emissions(record: ResponseRecord, context: ServerContext) -> Emissions:
    """A response that cannot be kept has failed: whoever is told of an end can rely on it.

    Whoever reads them has entered the record's admission, and leaves it at the end.
    """
    responder = Responder(record.admission, context.ids, context.clock, context.seal)
    is_stored = record.is_stored
    recorded: list[RecordedEvent] = []
    async for events in responder.events():
        made = [Emission(event) for event in events]
        if is_stored:
            recorded += [emission.record for emission in made]
        last = events[-1]
        if isinstance(last, TerminalEvent):
            if made[:-1]:
                yield made[:-1]
            made = await _kept(made[-1], last, recorded, record, context)
        yield made


async def _kept(
    emission: Emission,
    event: TerminalEvent,
    recorded: list[RecordedEvent],
    record: ResponseRecord,
    context: ServerContext,
) -> list[Emission]:
    """The end, kept; what stands in its place where it cannot be."""
    try:
        # Whoever is told of the end may go on in the conversation at once.
        with record.admission.claim:
            await record.keep(event.response, recorded, context.store())
    except StoreError as error:
        logger.error("A response could not be stored: %s", error)
        failure, failed = _unkept(event, error_payload(error))
        if record.admission.body.background:
            with contextlib.suppress(StoreError):  # then its lease will tell
                await record.keep_failure(failed.response, context.store())
        return [Emission(failure), Emission(failed)]
    return [emission]


def _unkept(
    event: TerminalEvent, payload: ErrorPayload
) -> tuple[ErrorStreamingEvent, ResponseFailedStreamingEvent]:
    """What stands in the place of an end that could not be kept."""
    changes = {
        "status": "failed",
        "completed_at": None,
        "incomplete_details": None,
        "error": Error(code=payload.code or payload.type, message=payload.message),
    }
    number = event.sequence_number
    return (
        ErrorStreamingEvent(sequence_number=number, error=payload),
        ResponseFailedStreamingEvent(
            sequence_number=number + 1, response=event.response.model_copy(update=changes)
        ),
    )
