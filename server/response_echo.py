"""The response as it is when it starts: the request's own fields, with the values that count."""

from antiphon.engine.sampling_params import SamplingParams
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.protocol.response import Reasoning, ResponseResource


def opening_response(
    body: CreateResponseBody,
    params: SamplingParams,
    *,
    response_id: str,
    model: str,
    created_at: int,
) -> ResponseResource:
    """What is left out was never asked for, and stands at the only value that is served."""
    return ResponseResource(
        id=response_id,
        created_at=created_at,
        status="in_progress",
        model=model,
        instructions=body.instructions,
        metadata=body.metadata or {},
        max_output_tokens=body.max_output_tokens,
        temperature=params.temperature,
        top_p=params.top_p,
        presence_penalty=params.presence_penalty,
        frequency_penalty=params.frequency_penalty,
        reasoning=_reasoning(body),
        tool_choice=body.tool_choice or "auto",
        parallel_tool_calls=body.parallel_tool_calls is not False,
        max_tool_calls=body.max_tool_calls,
        safety_identifier=body.safety_identifier,
        prompt_cache_key=body.prompt_cache_key,
    )


def _reasoning(body: CreateResponseBody) -> Reasoning | None:
    if body.reasoning is None:
        return None
    return Reasoning(effort=body.reasoning.effort, summary=None)
