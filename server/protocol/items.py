"""Items that the server writes: the model's own, and those of clients when it repeats them."""

from typing import Annotated, Literal

from pydantic import Field

from antiphon.server.protocol.absence import is_absent
from antiphon.server.protocol.content import (
    MessagePart,
    OutputPart,
    ReasoningTextContent,
    SummaryTextContent,
)
from antiphon.server.protocol.wire_model import OutputModel

ItemStatus = Literal["in_progress", "completed", "incomplete"]
Phase = Literal["commentary", "final_answer"]
MessageRole = Literal["user", "assistant", "system", "developer"]


class Message(OutputModel):
    """What somebody said. phase: what the assistant's text is, where anybody said so."""

    type: Literal["message"] = "message"
    id: str
    status: ItemStatus
    role: MessageRole = "assistant"
    content: tuple[MessagePart, ...]
    phase: Annotated[Phase | None, Field(exclude_if=is_absent)] = None


class ReasoningBody(OutputModel):
    """What the model thought. summary: its own, where one was asked for."""

    type: Literal["reasoning"] = "reasoning"
    id: str
    status: ItemStatus
    summary: tuple[SummaryTextContent, ...] = ()
    content: Annotated[tuple[ReasoningTextContent, ...] | None, Field(exclude_if=is_absent)] = None
    encrypted_content: Annotated[str | None, Field(exclude_if=is_absent)] = None


class FunctionCall(OutputModel):
    """A function that the client is to call; `arguments` is the text of a JSON object.

    namespace  an extension: the namespace tool that the function was offered in.
    """

    type: Literal["function_call"] = "function_call"
    id: str
    status: ItemStatus
    call_id: str
    name: str
    namespace: Annotated[str | None, Field(exclude_if=is_absent)] = None
    arguments: str


class FunctionCallOutput(OutputModel):
    """What came of a call."""

    type: Literal["function_call_output"] = "function_call_output"
    id: str
    status: ItemStatus
    call_id: str
    output: str | tuple[OutputPart, ...]


class CustomToolCall(OutputModel):
    """A call of a tool that takes free text. An item of OpenAI's, unknown to the standard."""

    type: Literal["custom_tool_call"] = "custom_tool_call"
    id: str
    status: ItemStatus
    call_id: str
    name: str
    input: str


class CustomToolCallOutput(OutputModel):
    """What came of a custom tool's call. An item of OpenAI's, unknown to the standard."""

    type: Literal["custom_tool_call_output"] = "custom_tool_call_output"
    id: str
    status: ItemStatus
    call_id: str
    output: str | tuple[OutputPart, ...]


class CompactionBody(OutputModel):
    """What stands in the place of all that was said before it; only this server can read it."""

    type: Literal["compaction"] = "compaction"
    id: str
    status: ItemStatus = "completed"
    encrypted_content: str


ItemField = Annotated[
    Message
    | ReasoningBody
    | FunctionCall
    | FunctionCallOutput
    | CustomToolCall
    | CustomToolCallOutput
    | CompactionBody,
    Field(discriminator="type"),
]
