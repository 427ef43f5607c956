"""Everything that can be refused is refused here, before the first byte of an answer."""

from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.errors import ChatTemplateError
from antiphon.models.language_side import LanguageSide
from antiphon.server.caller import Caller
from antiphon.server.compaction.compactor import Compaction, Compactor
from antiphon.server.compaction.context_window import ContextWindow, Window
from antiphon.server.compaction.summariser import Summariser
from antiphon.server.constraint import Constraint, text_schema
from antiphon.server.context import ServerContext
from antiphon.server.history.claims import ConversationClaim
from antiphon.server.history.kept_items import kept_items
from antiphon.server.history.past import Past, StoredPast
from antiphon.server.history.reader import History, HistoryReader
from antiphon.server.output.turn import Turn
from antiphon.server.protocol.errors import InvalidParameter, ModelNotFound, NothingSaid
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.sampling import sampling_params, stop_strings
from antiphon.server.standing import Standing
from antiphon.server.store.records import Item
from antiphon.server.tool_menu import ToolMenu, tool_menu


@dataclass(frozen=True, slots=True)
class Draft:
    """A request with all that it stands on, as far as no engine is asked for anything.

    window  None where there is nothing to prefill, and nothing to be generated either.
    """

    model: str
    language_side: LanguageSide
    history: History
    menu: ToolMenu
    params: SamplingParams
    summariser: Summariser
    window: Window | None


@dataclass(frozen=True, slots=True)
class Admission:
    """A response that is about to be made. Whoever holds it enters and leaves it.

    input_items  what the request itself brought, each with the id it is known by from now on.
    turn         None where nothing is to be sampled.
    """

    body: CreateResponseBody
    caller: Caller
    model: str
    menu: ToolMenu
    params: SamplingParams
    history: History
    input_items: tuple[Item, ...]
    compaction: Compaction | None
    summariser: Summariser
    turn: Turn | None
    claim: ConversationClaim

    def cancel(self) -> None:
        """Let the response end soon, as cancelled."""
        self.summariser.cancel()
        if self.turn is not None:
            self.turn.generation.cancel()

    async def __aenter__(self) -> Self:
        if self.turn is not None:
            await self.turn.generation.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.claim.release()
        if self.turn is not None:
            await self.turn.generation.__aexit__(kind, error, traceback)


async def admit(
    body: CreateResponseBody, caller: Caller, context: ServerContext, past: Past | None = None
) -> Admission:
    """`past`: where it is not only what the store keeps.

    Raises what `error_table` lists; afterwards a sequence is queued.
    """
    if body.background and not body.is_stored:
        raise InvalidParameter("background", "'background' needs 'store': true.")
    claim = context.conversations.claim(caller.owner, body.conversation_id)
    try:
        draft = await drafted(body, caller, context, past)
        input_items = kept_items(draft.history.own, context.ids)
        turn = await _begun(draft, body, context)
    except BaseException:
        claim.release()
        raise
    return Admission(
        body=body,
        caller=caller,
        model=draft.model,
        menu=draft.menu,
        params=draft.params,
        history=draft.history,
        input_items=input_items,
        compaction=draft.window.compaction if draft.window else None,
        summariser=draft.summariser,
        turn=turn,
        claim=claim,
    )


async def drafted(
    body: CreateResponseBody, caller: Caller, context: ServerContext, past: Past | None = None
) -> Draft:
    """Raises what `error_table` lists."""
    model = served_model(body.model, context.model_names)
    _require_ended(body.previous_response_id, caller, context)
    language_side = context.language_side()
    params = sampling_params(body, language_side.generation_defaults)
    past = past or StoredPast(context.store(), caller.owner)
    history = await HistoryReader(past, context.seal, context.file_texts).read(body)
    menu = tool_menu(body, history.additional_tools)
    window_of = ContextWindow(body, menu, language_side, context.engine.card)
    summariser = Summariser(context.engine, language_side, Standing.of(body))
    compactor = Compactor(summariser, language_side, context.seal, context.ids)
    try:
        window = await window_of.window(history.items, compactor)
    except (ChatTemplateError, NothingSaid):
        if body.generate is not False:
            raise
        window = None  # what cannot be a prompt yet, as no user has spoken, is not prefilled
    return Draft(model, language_side, history, menu, params, summariser, window)


def _require_ended(response_id: str | None, caller: Caller, context: ServerContext) -> None:
    """Raises InvalidParameter for a response that is still being made: its output is to come."""
    if response_id is not None and context.background.find(caller.owner, response_id):
        reason = f"The response '{response_id}' is not finished yet."
        raise InvalidParameter("previous_response_id", reason)


async def _begun(draft: Draft, body: CreateResponseBody, context: ServerContext) -> Turn | None:
    if draft.window is None:
        return None
    prompt, params = draft.window.prompt, draft.params
    context.engine.card.check(prompt.token_ids, params)  # a grammar may take seconds to check
    if body.generate is False:
        params = replace(params, max_tokens=1)
    else:
        constraint = Constraint(draft.language_side, prompt.text, context.check_grammar)
        params = replace(params, grammar=await constraint.grammar(draft.menu, body.text))
    standing = Standing.of(body)
    generation = context.engine.submit(
        prompt.token_ids, params, priority=standing.priority, cache_salt=standing.cache_salt
    )
    return Turn(
        prompt=prompt,
        params=params,
        menu=draft.menu,
        language_side=draft.language_side,
        generation=generation,
        stop=stop_strings(body),
        text_is_json=text_schema(body.text) is not None,
    )


def served_model(asked: str | None, names: tuple[str, ...]) -> str:
    """The name to answer under. Raises ModelNotFound."""
    if asked is None:
        return names[0]
    if asked not in names:
        raise ModelNotFound(asked)
    return asked
