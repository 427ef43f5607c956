"""What the API process and the engine process say to each other: msgpack, one message a frame."""

import msgspec

from antiphon.engine.config import EngineConfig
from antiphon.engine.generation import EngineCard
from antiphon.engine.outputs import StepOutput
from antiphon.engine.priority import Priority
from antiphon.engine.sampling_params import SamplingParams


class Start(msgspec.Struct, frozen=True, tag=True):
    """Load a model. The first message, once."""

    config: EngineConfig


class AddSequence(msgspec.Struct, frozen=True, tag=True):
    sequence_id: int
    prompt_token_ids: list[int]
    params: SamplingParams
    priority: Priority = Priority.DEFAULT
    cache_salt: str = ""


class AbortSequence(msgspec.Struct, frozen=True, tag=True):
    sequence_id: int


class LoadProgress(msgspec.Struct, frozen=True, tag=True):
    stage: str
    done: int
    total: int | None
    unit: str


class Ready(msgspec.Struct, frozen=True, tag=True):
    card: EngineCard


class StartFailed(msgspec.Struct, frozen=True, tag=True):
    """The model could not be loaded: one line for the user. The engine process ends."""

    message: str


class Stepped(msgspec.Struct, frozen=True, tag=True):
    output: StepOutput


ToEngine = Start | AddSequence | AbortSequence
FromEngine = LoadProgress | Ready | StartFailed | Stepped

TO_ENGINE_DECODER = msgspec.msgpack.Decoder(ToEngine)
FROM_ENGINE_DECODER = msgspec.msgpack.Decoder(FromEngine)


def encode(message: ToEngine | FromEngine) -> bytes:
    return msgspec.msgpack.encode(message)


def decode_to_engine(frame: bytes) -> ToEngine:
    message: ToEngine = TO_ENGINE_DECODER.decode(frame)
    return message


def decode_from_engine(frame: bytes) -> FromEngine:
    message: FromEngine = FROM_ENGINE_DECODER.decode(frame)
    return message
