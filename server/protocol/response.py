"""The response object. Every key is always there, null where the schema allows it."""

from typing import Annotated, Literal

from pydantic import Field

from antiphon.engine.priority import Priority
from antiphon.server.protocol.absence import is_absent
from antiphon.server.protocol.items import ItemField
from antiphon.server.protocol.reasoning import Reasoning
from antiphon.server.protocol.text_format import TextField
from antiphon.server.protocol.tool_choice import ToolChoice
from antiphon.server.protocol.tools import Tool
from antiphon.server.protocol.wire_model import OutputModel

ResponseStatus = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]

IncompleteReason = Literal["max_output_tokens", "incomplete_tool_call", "cancelled"]


class InputTokensDetails(OutputModel):
    cached_tokens: int
    cache_write_tokens: int = 0


class OutputTokensDetails(OutputModel):
    reasoning_tokens: int = 0


class Usage(OutputModel):
    """What a response cost, in tokens."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int


class Error(OutputModel):
    code: str
    message: str


class IncompleteDetails(OutputModel):
    """incomplete_tool_call: the model ended in the middle of one, or wrote what no call can be.

    cancelled  goes with the response's status `cancelled`.
    """

    reason: IncompleteReason


class ConversationReference(OutputModel):
    id: str


class ResponseResource(OutputModel):
    """A response, at the moment it was looked at."""

    id: str
    object: Literal["response"] = "response"
    created_at: Annotated[int, Field(description="Unix time in seconds.")]
    completed_at: int | None = None
    status: ResponseStatus
    incomplete_details: IncompleteDetails | None = None
    error: Error | None = None
    model: str
    output: tuple[ItemField, ...] = ()
    usage: Usage | None = None

    instructions: str | None
    previous_response_id: str | None
    conversation: Annotated[ConversationReference | None, Field(exclude_if=is_absent)] = None
    metadata: dict[str, str]
    max_output_tokens: int | None
    temperature: float
    top_p: float
    presence_penalty: float
    frequency_penalty: float
    top_logprobs: int
    text: TextField
    reasoning: Reasoning | None
    tools: tuple[Tool, ...]
    tool_choice: ToolChoice
    parallel_tool_calls: bool
    max_tool_calls: int | None
    truncation: Literal["auto", "disabled"]
    store: bool
    background: bool
    service_tier: Priority = Priority.DEFAULT
    safety_identifier: str | None
    prompt_cache_key: str | None
