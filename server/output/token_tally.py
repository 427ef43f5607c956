"""What one response has cost so far, in tokens."""

from collections.abc import Sequence

from antiphon.engine.outputs import SequenceDelta
from antiphon.models.dialects.segments import ReasoningDelta, Segment
from antiphon.server.protocol.response import InputTokensDetails, OutputTokensDetails, Usage

NOTHING_SPENT = Usage(
    input_tokens=0,
    input_tokens_details=InputTokensDetails(cached_tokens=0),
    output_tokens=0,
    output_tokens_details=OutputTokensDetails(reasoning_tokens=0),
    total_tokens=0,
)


def together(first: Usage, second: Usage) -> Usage:
    """What two turns cost."""
    cached = first.input_tokens_details.cached_tokens + second.input_tokens_details.cached_tokens
    reasoning = (
        first.output_tokens_details.reasoning_tokens + second.output_tokens_details.reasoning_tokens
    )
    return Usage(
        input_tokens=first.input_tokens + second.input_tokens,
        input_tokens_details=InputTokensDetails(cached_tokens=cached),
        output_tokens=first.output_tokens + second.output_tokens,
        output_tokens_details=OutputTokensDetails(reasoning_tokens=reasoning),
        total_tokens=first.total_tokens + second.total_tokens,
    )


class TokenTally:
    """Counts what was sampled, not what was shown: a stop token counts too.

    Tokens count as reasoning when what was last understood with them is reasoning: the tags around
    it, and tokens that arrive together with what follows, are counted roughly.
    """

    def __init__(self, num_prompt_tokens: int) -> None:
        self._num_prompt_tokens = num_prompt_tokens
        self._num_cached_tokens = 0
        self._num_output_tokens = 0
        self._num_reasoning_tokens = 0
        self._is_reasoning = False

    def add(self, delta: SequenceDelta, segments: Sequence[Segment]) -> None:
        """`segments`: what the tokens turned out to be, if that is known already."""
        if segments:
            self._is_reasoning = isinstance(segments[-1], ReasoningDelta)
        if self._is_reasoning:
            self._num_reasoning_tokens += len(delta.token_ids)
        self._num_output_tokens += len(delta.token_ids)
        self._num_cached_tokens = delta.num_cached_tokens

    def usage(self) -> Usage:
        return Usage(
            input_tokens=self._num_prompt_tokens,
            input_tokens_details=InputTokensDetails(cached_tokens=self._num_cached_tokens),
            output_tokens=self._num_output_tokens,
            output_tokens_details=OutputTokensDetails(reasoning_tokens=self._num_reasoning_tokens),
            total_tokens=self._num_prompt_tokens + self._num_output_tokens,
        )
