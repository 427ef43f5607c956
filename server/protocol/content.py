"""Parts of content that the server writes: its own, and those of clients when it repeats them."""

from typing import Annotated, Literal

from pydantic import Field

from antiphon.server.protocol.absence import is_absent
from antiphon.server.protocol.logprobs import LogProb
from antiphon.server.protocol.wire_model import OutputModel


class UrlCitation(OutputModel):
    """Where a span of the text comes from, in characters."""

    type: Literal["url_citation"] = "url_citation"
    url: str
    start_index: int
    end_index: int
    title: str


class InputTextContent(OutputModel):
    type: Literal["input_text"] = "input_text"
    text: str


class OutputTextContent(OutputModel):
    type: Literal["output_text"] = "output_text"
    text: str
    annotations: tuple[UrlCitation, ...] = ()
    logprobs: tuple[LogProb, ...] = ()


class RefusalContent(OutputModel):
    type: Literal["refusal"] = "refusal"
    refusal: str


class ReasoningTextContent(OutputModel):
    type: Literal["reasoning_text"] = "reasoning_text"
    text: str


class SummaryTextContent(OutputModel):
    type: Literal["summary_text"] = "summary_text"
    text: str


class InputFileContent(OutputModel):
    """As it was sent: what a response was made of can be sent again."""

    type: Literal["input_file"] = "input_file"
    filename: Annotated[str | None, Field(exclude_if=is_absent)] = None
    file_data: Annotated[str | None, Field(exclude_if=is_absent)] = None
    file_url: Annotated[str | None, Field(exclude_if=is_absent)] = None


MessagePart = Annotated[
    InputTextContent | OutputTextContent | RefusalContent | InputFileContent,
    Field(discriminator="type"),
]
OutputPart = Annotated[InputTextContent | InputFileContent, Field(discriminator="type")]

# What streams: a part of an item that the model writes.
ContentPart = Annotated[
    OutputTextContent | RefusalContent | ReasoningTextContent, Field(discriminator="type")
]
