"""How much the model is to think: as a client asks, and as a response repeats it."""

from typing import Literal

from antiphon.server.protocol.wire_model import InputModel, OutputModel

ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]


class ReasoningParam(InputModel):
    """`summary: auto` is what clients send by default: whatever there is, which is none."""

    effort: ReasoningEffort | None = None
    summary: Literal["auto"] | None = None


class Reasoning(OutputModel):
    effort: ReasoningEffort | None
    summary: Literal["auto"] | None


def reasoning_echo(asked: ReasoningParam | None) -> Reasoning | None:
    return None if asked is None else Reasoning(effort=asked.effort, summary=asked.summary)
