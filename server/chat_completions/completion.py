"""A chat completion, whole and in chunks, as OpenAI's API reference has it.

`reasoning_content` is not OpenAI's: it is what other servers and their clients call the thinking.
"""

from typing import Annotated, Literal

from pydantic import Field

from antiphon.server.protocol.absence import is_absent
from antiphon.server.protocol.logprobs import LogProb
from antiphon.server.protocol.wire_model import OutputModel

FinishReason = Literal["stop", "length", "tool_calls"]
OptionalText = Annotated[str | None, Field(exclude_if=is_absent)]


class CalledFunction(OutputModel):
    """`arguments` is the text of a JSON object."""

    name: str
    arguments: str


class FunctionToolCall(OutputModel):
    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class CalledCustomTool(OutputModel):
    name: str
    input: str


class CustomToolCallMade(OutputModel):
    id: str
    type: Literal["custom"] = "custom"
    custom: CalledCustomTool


ToolCall = Annotated[FunctionToolCall | CustomToolCallMade, Field(discriminator="type")]


class AssistantMessage(OutputModel):
    """content: null where the model only called tools, or declined."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None
    reasoning_content: OptionalText = None
    tool_calls: Annotated[tuple[ToolCall, ...] | None, Field(exclude_if=is_absent)] = None


class ChoiceLogprobs(OutputModel):
    """Of the text's tokens; those of refusals are never reported."""

    content: tuple[LogProb, ...]
    refusal: None = None


class Choice(OutputModel):
    index: int = 0
    message: AssistantMessage
    logprobs: ChoiceLogprobs | None
    finish_reason: FinishReason


class PromptTokensDetails(OutputModel):
    cached_tokens: int


class CompletionTokensDetails(OutputModel):
    reasoning_tokens: int


class CompletionUsage(OutputModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails


class ChatCompletion(OutputModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: tuple[Choice, ...]
    usage: CompletionUsage | None
    service_tier: str
    system_fingerprint: None = None


class FunctionDelta(OutputModel):
    name: OptionalText = None
    arguments: str


class CustomToolDelta(OutputModel):
    name: OptionalText = None
    input: str


class ToolCallDelta(OutputModel):
    """A call begins with its id, its type and its name; what follows is more of its text."""

    index: int
    id: OptionalText = None
    type: Annotated[Literal["function", "custom"] | None, Field(exclude_if=is_absent)] = None
    function: Annotated[FunctionDelta | None, Field(exclude_if=is_absent)] = None
    custom: Annotated[CustomToolDelta | None, Field(exclude_if=is_absent)] = None


class Delta(OutputModel):
    role: Annotated[Literal["assistant"] | None, Field(exclude_if=is_absent)] = None
    content: OptionalText = None
    refusal: OptionalText = None
    reasoning_content: OptionalText = None
    tool_calls: Annotated[tuple[ToolCallDelta, ...] | None, Field(exclude_if=is_absent)] = None


class ChunkChoice(OutputModel):
    index: int = 0
    delta: Delta
    logprobs: ChoiceLogprobs | None = None
    finish_reason: FinishReason | None = None


class ChatCompletionChunk(OutputModel):
    """obfuscation: random letters that hide the delta's length, where they were asked for."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: tuple[ChunkChoice, ...]
    service_tier: str
    system_fingerprint: None = None
    obfuscation: OptionalText = None


class CountedChunk(ChatCompletionChunk):
    """A chunk of a stream that ends with its usage; all others say null."""

    usage: CompletionUsage | None = None
