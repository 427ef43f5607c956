"""The body of `POST /v1/responses`, in the shapes that are served.

What is not served of it has a row in `unsupported.py`, which refuses it by name before this type is
tried.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from antiphon.server.protocol.input_content import InputText
from antiphon.server.protocol.input_items import MAX_ITEMS, ItemParam, StringOrList
from antiphon.server.protocol.reasoning import ReasoningParam
from antiphon.server.protocol.text_format import TextParam
from antiphon.server.protocol.tool_choice import ToolChoiceParam
from antiphon.server.protocol.tools import MAX_TOOLS, ToolParam
from antiphon.server.protocol.wire_model import InputModel

MAX_STOP_STRINGS = 16


def at_most(limit: int) -> BeforeValidator:
    """A bound on an object's size that is checked before its entries: each could be an error."""

    def check(posted: object) -> object:
        if isinstance(posted, dict) and len(posted) > limit:
            raise PydanticCustomError("too_long", f"Input should have at most {limit} entries")
        return posted

    return BeforeValidator(check)


Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
TokenId = Annotated[int, Field(strict=False, ge=0, le=2**31 - 1)]
Identifier = Annotated[str, Field(max_length=64)]
StopString = Annotated[str, Field(min_length=1, max_length=1024)]
StopList = Annotated[list[StopString], Field(max_length=MAX_STOP_STRINGS, fail_fast=True)]
ItemList = Annotated[list[ItemParam], Field(max_length=MAX_ITEMS, fail_fast=True)]
ToolList = Annotated[list[ToolParam], Field(max_length=MAX_TOOLS, fail_fast=True)]
# Those behind the second are of items that no response has yet: there is nothing to include.
Includable = Literal[
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "message.input_image.image_url",
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
]
Metadata = Annotated[dict[Identifier, Annotated[str, Field(max_length=512)]], at_most(16)]
LogitBias = Annotated[dict[TokenId, float], at_most(1024)]


InputParam = Annotated[
    Annotated[InputText, Tag("<string>")]
    | Annotated[ItemList, Tag("<list>")]
    | Annotated[None, Tag("<null>")],
    StringOrList,
]


class StreamOptionsParam(InputModel):
    include_obfuscation: bool | None = None


class ConversationParam(InputModel):
    id: str


def conversation_kind(posted: Any) -> str:  # noqa: ANN401 - any JSON value
    match posted:
        case None:
            return "<null>"
        case dict() | ConversationParam():
            return "<object>"
    return "<id>"


ConversationChoice = Annotated[
    Annotated[str, Tag("<id>")]
    | Annotated[ConversationParam, Tag("<object>")]
    | Annotated[None, Tag("<null>")],
    Discriminator(conversation_kind),
]


class CompactionRule(InputModel):
    """Compact the conversation when its prompt has so many tokens."""

    type: Literal["compaction"]
    compact_threshold: Count


class CreateResponseBody(InputModel):
    """A request to create a response. null and absent mean the same everywhere."""

    model: str | None = None
    input: InputParam = None
    previous_response_id: str | None = None
    conversation: ConversationChoice = None
    context_management: Annotated[list[CompactionRule], Field(max_length=1)] | None = None
    instructions: str | None = None
    metadata: Metadata | None = None
    stream: bool | None = None
    stream_options: StreamOptionsParam | None = None
    max_output_tokens: Count | None = None

    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None

    text: TextParam | None = None
    reasoning: ReasoningParam | None = None
    tools: ToolList | None = None
    tool_choice: ToolChoiceParam = None
    parallel_tool_calls: bool | None = None
    max_tool_calls: Count | None = None
    include: Annotated[list[Includable], Field(max_length=32)] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    store: bool | None = None
    background: bool | None = None
    service_tier: Literal["auto", "default", "flex", "priority"] | None = None
    safety_identifier: Identifier | None = None
    prompt_cache_key: Identifier | None = None

    # Extensions, named as vLLM names them.
    top_k: Annotated[int, Field(ge=-1, le=2**31 - 1)] | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    logit_bias: LogitBias | None = None
    ignore_eos: bool | None = None
    stop: Annotated[
        Annotated[StopString, Tag("<string>")]
        | Annotated[StopList, Tag("<list>")]
        | Annotated[None, Tag("<null>")],
        StringOrList,
    ] = None

    # False prefills the prompt and generates nothing: how Codex warms up a connection.
    generate: bool | None = None

    @property
    def is_stored(self) -> bool:
        return self.store is not False

    @property
    def conversation_id(self) -> str | None:
        chosen = self.conversation
        return chosen.id if isinstance(chosen, ConversationParam) else chosen


class CompactBody(InputModel):
    """The body of `POST /v1/responses/compact`."""

    model: str
    input: InputParam = None
    previous_response_id: str | None = None
    instructions: str | None = None
    prompt_cache_key: Identifier | None = None
