"""Items that the server writes, with their content parts."""

from typing import Annotated, Any, Literal

from pydantic import Field

from antiphon.server.protocol.logprobs import LogProb
from antiphon.server.protocol.wire_model import OutputModel

ItemStatus = Literal["in_progress", "completed", "incomplete"]


class OutputTextContent(OutputModel):
    type: Literal["output_text"] = "output_text"
    text: str
    annotations: tuple[dict[str, Any], ...] = ()
    logprobs: tuple[LogProb, ...] = ()


class ReasoningTextContent(OutputModel):
    type: Literal["reasoning_text"] = "reasoning_text"
    text: str


ContentPart = Annotated[OutputTextContent | ReasoningTextContent, Field(discriminator="type")]


class Message(OutputModel):
    """What the model wrote for the user."""

    type: Literal["message"] = "message"
    id: str
    status: ItemStatus
    role: Literal["assistant"] = "assistant"
    content: tuple[OutputTextContent, ...]


def is_absent(value: object) -> bool:
    """Some optional fields may be left out, but not be null."""
    return value is None


class ReasoningBody(OutputModel):
    """What the model thought. Nobody summarises it."""

    type: Literal["reasoning"] = "reasoning"
    id: str
    status: ItemStatus
    summary: tuple[dict[str, Any], ...] = ()
    content: tuple[ReasoningTextContent, ...]
    encrypted_content: Annotated[str | None, Field(exclude_if=is_absent)] = None


class FunctionCall(OutputModel):
    """A function that the client is to call; `arguments` is the text of a JSON object."""

    type: Literal["function_call"] = "function_call"
    id: str
    status: ItemStatus
    call_id: str
    name: str
    arguments: str


class CustomToolCall(OutputModel):
    """A call of a tool that takes free text. An item of OpenAI's, unknown to the standard."""

    type: Literal["custom_tool_call"] = "custom_tool_call"
    id: str
    status: ItemStatus
    call_id: str
    name: str
    input: str


ItemField = Annotated[
    Message | ReasoningBody | FunctionCall | CustomToolCall, Field(discriminator="type")
]
