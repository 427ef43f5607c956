"""The two bases of everything on the wire: lenient on what comes in, strict on what goes out."""

from pydantic import BaseModel, ConfigDict


class InputModel(BaseModel):
    """What a client sends: unknown keys are ignored, scalars are never converted."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False, frozen=True)


class OutputModel(BaseModel):
    """What the server sends: frozen, so that an event is a snapshot and stays one.

    Every key is always sent, which is why the JSON schema calls defaulted ones required too.
    """

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)
