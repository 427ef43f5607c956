"""Everything that can be refused is refused here, before the first byte of an answer."""

import asyncio
from dataclasses import dataclass, replace

from antiphon.engine.generation import Generation
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.language_side import LanguageSide
from antiphon.server.constraint import Constraint
from antiphon.server.context import ServerContext
from antiphon.server.prompt import Prompt, build_prompt
from antiphon.server.protocol.errors import ModelNotFound
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.sampling import sampling_params
from antiphon.server.tool_menu import ToolMenu, tool_menu


@dataclass(frozen=True, slots=True)
class Turn:
    """One admitted sampling of the model. Whoever holds it enters and leaves its generation."""

    body: CreateResponseBody
    model: str
    menu: ToolMenu
    prompt: Prompt
    params: SamplingParams
    language_side: LanguageSide
    generation: Generation


async def admit(body: CreateResponseBody, context: ServerContext) -> Turn:
    """Raises what `error_table` lists; afterwards a sequence is queued."""
    model = served_model(body.model, context.model_names)
    menu = tool_menu(body)
    language_side = context.language_side()
    params = sampling_params(body, language_side.generation_defaults)
    # A long prompt takes longer to encode than running streams may wait for their next event.
    prompt = await asyncio.to_thread(build_prompt, body, menu, language_side)
    context.engine.card.check(prompt.token_ids, params)  # a grammar may take seconds to check
    constraint = Constraint(language_side, prompt.text, context.check_grammar)
    params = replace(params, grammar=await constraint.grammar(menu, body.text))
    generation = context.engine.submit(prompt.token_ids, params)
    return Turn(body, model, menu, prompt, params, language_side, generation)


def served_model(asked: str | None, names: tuple[str, ...]) -> str:
    """The name to answer under. Raises ModelNotFound."""
    if asked is None:
        return names[0]
    if asked not in names:
        raise ModelNotFound(asked)
    return asked
