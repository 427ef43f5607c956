"""What one response has cost so far, in tokens."""

from antiphon.engine.outputs import SequenceDelta
from antiphon.server.protocol.response import InputTokensDetails, OutputTokensDetails, Usage


class TokenTally:
    """Counts what was sampled, not what was shown: a stop token counts too."""

    def __init__(self, num_prompt_tokens: int) -> None:
        self._num_prompt_tokens = num_prompt_tokens
        self._num_cached_tokens = 0
        self._num_output_tokens = 0

    def add(self, delta: SequenceDelta) -> None:
        self._num_output_tokens += len(delta.token_ids)
        self._num_cached_tokens = delta.num_cached_tokens

    def usage(self) -> Usage:
        return Usage(
            input_tokens=self._num_prompt_tokens,
            input_tokens_details=InputTokensDetails(cached_tokens=self._num_cached_tokens),
            output_tokens=self._num_output_tokens,
            output_tokens_details=OutputTokensDetails(),
            total_tokens=self._num_prompt_tokens + self._num_output_tokens,
        )
