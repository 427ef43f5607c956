"""What the official suite's validator takes, in our own words: stricter than a client has to be.

Keys that it does not know pass. A field with `absent()` may be missing, and must not be null.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["in_progress", "completed", "incomplete"]
Mode = Literal["none", "auto", "required"]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


def absent() -> Any:  # noqa: ANN401 - stands for a value of any type
    """A default that is not checked against its field's type."""
    return Field(default=None)


class TopLogProb(Strict):
    token: str
    logprob: float
    bytes: list[int]


class LogProb(TopLogProb):
    top_logprobs: list[TopLogProb]


class UrlCitation(Strict):
    type: Literal["url_citation"]
    url: str
    start_index: int
    end_index: int
    title: str


class TextPart(Strict):
    type: Literal["input_text", "text", "summary_text", "reasoning_text"]
    text: str


class OutputText(Strict):
    type: Literal["output_text"]
    text: str
    annotations: list[UrlCitation]
    logprobs: list[LogProb] = absent()


class Refusal(Strict):
    type: Literal["refusal"]
    refusal: str


class InputImage(Strict):
    type: Literal["input_image"]
    image_url: str | None
    detail: Literal["low", "high", "auto"]


class InputFile(Strict):
    type: Literal["input_file"]
    filename: str = absent()
    file_url: str = absent()


class InputVideo(Strict):
    type: Literal["input_video"]
    video_url: str


Part = Annotated[
    TextPart | OutputText | Refusal | InputImage | InputFile, Field(discriminator="type")
]
MessagePart = Annotated[Part | InputVideo, Field(discriminator="type")]
OutputPart = Annotated[TextPart | InputImage | InputFile, Field(discriminator="type")]


class Message(Strict):
    type: Literal["message"]
    id: str
    status: Status
    role: Literal["user", "assistant", "system", "developer"]
    content: list[MessagePart]
    phase: Literal["commentary", "final_answer"] = absent()


class FunctionCall(Strict):
    type: Literal["function_call"]
    id: str
    call_id: str
    name: str
    arguments: str
    status: Status


class FunctionCallOutput(Strict):
    type: Literal["function_call_output"]
    id: str
    call_id: str
    output: str | list[OutputPart]
    status: Status


class Reasoning(Strict):
    type: Literal["reasoning"]
    id: str
    summary: list[Part]
    content: list[Part] = absent()
    encrypted_content: str = absent()


class Compaction(Strict):
    type: Literal["compaction"]
    id: str
    encrypted_content: str
    created_by: str = absent()


Item = Annotated[
    Message | FunctionCall | FunctionCallOutput | Reasoning | Compaction,
    Field(discriminator="type"),
]


class FunctionTool(Strict):
    type: Literal["function"]
    name: str
    description: str | None
    parameters: dict[str, Any] | None
    strict: bool | None


class FunctionChoice(Strict):
    type: Literal["function"]
    name: str = absent()


class AllowedTools(Strict):
    type: Literal["allowed_tools"]
    tools: list[FunctionChoice]
    mode: Mode


class PlainFormat(Strict):
    type: Literal["text", "json_object"]


class JsonSchemaFormat(Strict):
    type: Literal["json_schema"]
    name: str
    description: str | None
    json_schema: None = Field(alias="schema")
    strict: bool


class TextSettings(Strict):
    format: Annotated[PlainFormat | JsonSchemaFormat, Field(discriminator="type")]
    verbosity: Literal["low", "medium", "high"] = absent()


class ReasoningSettings(Strict):
    effort: Literal["none", "low", "medium", "high", "xhigh"] | None
    summary: Literal["concise", "detailed", "auto"] | None


class CachedTokens(Strict):
    cached_tokens: int


class ReasoningTokens(Strict):
    reasoning_tokens: int


class Usage(Strict):
    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: CachedTokens
    output_tokens_details: ReasoningTokens


class Error(Strict):
    code: str
    message: str


class IncompleteDetails(Strict):
    reason: str


class Response(Strict):
    id: str
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: str
    incomplete_details: IncompleteDetails | None
    model: str
    previous_response_id: str | None
    instructions: str | None
    output: list[Item]
    error: Error | None
    tools: list[FunctionTool]
    tool_choice: FunctionChoice | AllowedTools | Mode
    truncation: Literal["auto", "disabled"]
    parallel_tool_calls: bool
    text: TextSettings
    top_p: float
    presence_penalty: float
    frequency_penalty: float
    top_logprobs: int
    temperature: float
    reasoning: ReasoningSettings | None
    usage: Usage | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    store: bool
    background: bool
    service_tier: str
    safety_identifier: str | None
    prompt_cache_key: str | None


class CompactedWindow(Strict):
    id: str
    object: Literal["response.compaction"]
    output: list[Item]
    created_at: int
    usage: Usage
