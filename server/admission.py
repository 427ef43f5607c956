"""Everything that can be refused is refused here, before the first byte of an answer."""

import asyncio
from dataclasses import dataclass

from antiphon.engine.generation import Generation
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.language_side import LanguageSide
from antiphon.server.context import ServerContext
from antiphon.server.prompt import prompt_token_ids
from antiphon.server.protocol.errors import ModelNotFound
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.sampling import sampling_params


@dataclass(frozen=True, slots=True)
class Turn:
    """One admitted sampling of the model. Whoever holds it enters and leaves its generation."""

    body: CreateResponseBody
    model: str
    params: SamplingParams
    prompt_token_ids: list[int]
    language_side: LanguageSide
    generation: Generation


async def admit(body: CreateResponseBody, context: ServerContext) -> Turn:
    """Raises what `error_table` lists; afterwards a sequence is queued."""
    model = served_model(body.model, context.model_names)
    language_side = context.language_side()
    params = sampling_params(body, language_side.generation_defaults)
    # A long prompt takes longer to encode than running streams may wait for their next event.
    token_ids = await asyncio.to_thread(prompt_token_ids, body, language_side)
    generation = context.engine.submit(token_ids, params)
    return Turn(body, model, params, token_ids, language_side, generation)


def served_model(asked: str | None, names: tuple[str, ...]) -> str:
    """The name to answer under. Raises ModelNotFound."""
    if asked is None:
        return names[0]
    if asked not in names:
        raise ModelNotFound(asked)
    return asked
