"""What a model's output is made of, piece by piece, as the parser finds it."""

from dataclasses import dataclass
from typing import Literal

Phase = Literal["commentary", "final_answer"]


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of the model's thinking."""

    text: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer. offset: where in the generated text it begins, in characters.

    phase  `commentary` or `final_answer` where the dialect tells one from the other.
    """

    text: str
    offset: int
    phase: Phase | None = None


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """More of why the model declines. No dialect marks it today; hosted checks may."""

    text: str


@dataclass(frozen=True, slots=True)
class Citation:
    """Where characters begin to end of the message that is being written come from."""

    url: str
    title: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A tool call whose name is known. index counts the output's calls from 0.

    native_id  the id that the model itself wrote, where its dialect has one.
    """

    index: int
    name: str
    native_id: str | None = None


@dataclass(frozen=True, slots=True)
class ArgumentsDelta:
    """More of a call's arguments; joined, those of a finished call are one JSON object."""

    index: int
    json_text: str


@dataclass(frozen=True, slots=True)
class CallFinished:
    index: int


@dataclass(frozen=True, slots=True)
class CallIncomplete:
    """A call that had started and was cut off, or went on as no call can."""

    index: int


Segment = (
    ReasoningDelta
    | TextDelta
    | RefusalDelta
    | Citation
    | CallStarted
    | ArgumentsDelta
    | CallFinished
    | CallIncomplete
)
