"""`POST /v1/responses/compact`: a conversation compacted for its client to go on with."""

import asyncio

from antiphon.server.admission import served_model
from antiphon.server.caller import Caller
from antiphon.server.compaction.compactor import Compactor
from antiphon.server.compaction.summariser import Summariser
from antiphon.server.context import ServerContext
from antiphon.server.history.cuts import leading
from antiphon.server.history.past import StoredPast
from antiphon.server.history.reader import HistoryReader
from antiphon.server.protocol.errors import NothingSaid
from antiphon.server.protocol.lists import CompactResource
from antiphon.server.protocol.requests import CompactBody
from antiphon.server.standing import Standing

# Of the context, what goes on standing as it was said.
RECENT_SHARE_OF_CONTEXT = 8


async def compacted(body: CompactBody, caller: Caller, context: ServerContext) -> CompactResource:
    """The summary of all but the most recent turns, and these. Raises what `error_table` lists."""
    served_model(body.model, context.model_names)
    language_side = context.language_side()
    past = StoredPast(context.store(), caller.owner)
    history = await HistoryReader(past, context.seal, context.file_texts).read(body)
    if not history.items:
        raise NothingSaid
    summariser = Summariser(context.engine, language_side, Standing.of(body))
    compactor = Compactor(summariser, language_side, context.seal, context.ids)
    max_tokens = context.engine.card.max_sequence_len // RECENT_SHARE_OF_CONTEXT
    first = leading(history.items)
    recent = await asyncio.to_thread(compactor.recent, history.items, max_tokens) or first
    compaction = await compactor.compact(
        history.items, recent, carried=first, instructions=body.instructions
    )
    following = compactor.as_kept(recent[len(first) :])
    return CompactResource(
        id=context.ids.new("resp"),
        output=(compaction.item, *following),
        created_at=context.clock.unix_seconds(),
        usage=compaction.usage,
    )
