"""How much the model is to think: as a client asks, and as a response repeats it."""

from typing import Literal

from antiphon.server.protocol.wire_model import InputModel, OutputModel

ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]


# auto is what clients send without being asked: nobody waits for a summary then.
ReasoningSummary = Literal["auto", "concise", "detailed"]


class ReasoningParam(InputModel):
    effort: ReasoningEffort | None = None
    summary: ReasoningSummary | None = None


class Reasoning(OutputModel):
    effort: ReasoningEffort | None
    summary: ReasoningSummary | None


def reasoning_echo(asked: ReasoningParam | None) -> Reasoning | None:
    return None if asked is None else Reasoning(effort=asked.effort, summary=asked.summary)
