"""How likely tokens were, as the published schema writes it."""

from antiphon.server.protocol.wire_model import OutputModel


class TopLogProb(OutputModel):
    """One token that could have come. `token` shows its bytes, broken characters as U+FFFD."""

    token: str
    logprob: float
    bytes: tuple[int, ...]


class LogProb(TopLogProb):
    """The token that did come, and the likeliest ones in its place."""

    top_logprobs: tuple[TopLogProb, ...]
