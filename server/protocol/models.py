"""Served models, as OpenAI's SDKs know them, and how much fits into one."""

from typing import Annotated, Literal

from pydantic import Field

from antiphon.server.protocol.wire_model import OutputModel


class ModelCard(OutputModel):
    id: str
    object: Literal["model"] = "model"
    created: Annotated[int, Field(description="Unix time in seconds of the server's start.")]
    owned_by: Literal["antiphon"] = "antiphon"
    max_model_len: Annotated[
        int | None, Field(description="Prompt and output tokens together; null until loaded.")
    ]


class ModelList(OutputModel):
    object: Literal["list"] = "list"
    data: tuple[ModelCard, ...]
