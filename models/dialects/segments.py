"""What a model's output is made of, piece by piece, as the parser finds it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of the model's thinking."""

    text: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer. offset: where in the generated text it begins, in characters."""

    text: str
    offset: int


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


Segment = ReasoningDelta | TextDelta | CallStarted | ArgumentsDelta | CallFinished | CallIncomplete
