"""The response as it is when it starts: the request's own fields, with the values that count."""

from antiphon.engine.sampling_params import SamplingParams
from antiphon.server.protocol.reasoning import reasoning_echo
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.protocol.response import ConversationReference, ResponseResource
from antiphon.server.protocol.text_format import text_echo
from antiphon.server.protocol.tool_choice import tool_choice_echo
from antiphon.server.protocol.tools import tools_echo
from antiphon.server.standing import Standing


def opening_response(
    body: CreateResponseBody,
    params: SamplingParams,
    *,
    response_id: str,
    model: str,
    created_at: int,
) -> ResponseResource:
    """What is left out was never asked for, and stands at its default."""
    return ResponseResource(
        id=response_id,
        created_at=created_at,
        status="queued" if body.background else "in_progress",
        model=model,
        previous_response_id=body.previous_response_id,
        conversation=_conversation_echo(body.conversation_id),
        truncation=body.truncation or "disabled",
        store=body.is_stored,
        background=bool(body.background),
        instructions=body.instructions,
        metadata=body.metadata or {},
        max_output_tokens=body.max_output_tokens,
        temperature=params.temperature,
        top_p=params.top_p,
        presence_penalty=params.presence_penalty,
        frequency_penalty=params.frequency_penalty,
        top_logprobs=body.top_logprobs or 0,
        text=text_echo(body.text),
        reasoning=reasoning_echo(body.reasoning),
        tools=tools_echo(body.tools or ()),
        tool_choice=tool_choice_echo(body.tool_choice),
        parallel_tool_calls=body.parallel_tool_calls is not False,
        max_tool_calls=body.max_tool_calls,
        service_tier=Standing.of(body).priority,
        safety_identifier=body.safety_identifier,
        prompt_cache_key=body.prompt_cache_key,
    )


def _conversation_echo(conversation_id: str | None) -> ConversationReference | None:
    return None if conversation_id is None else ConversationReference(id=conversation_id)
