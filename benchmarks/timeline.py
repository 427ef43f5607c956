"""When the tokens of requests that arrived together came."""

from dataclasses import dataclass
from typing import NamedTuple


class DecodeWindow(NamedTuple):
    num_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """Times are seconds on one clock.

    started_at   when all the requests arrived.
    token_times  [num_requests][num_output_tokens] when each token was there. Tokens of one engine
                 step share their time.
    """

    started_at: float
    token_times: tuple[tuple[float, ...], ...]

    @property
    def num_tokens(self) -> int:
        return sum(map(len, self.token_times))

    @property
    def seconds(self) -> float:
        """From arrival to the last token of all."""
        return max(times[-1] for times in self.token_times) - self.started_at

    @property
    def ttft_seconds(self) -> list[float]:
        return [times[0] - self.started_at for times in self.token_times]

    @property
    def decode_window(self) -> DecodeWindow:
        """While every request decodes and none waits for its prompt.

        That is from the last first token to the first last one. A batch whose first request ends
        before its last one has begun has none: zero tokens in zero seconds.
        """
        start = max(times[0] for times in self.token_times)
        end = min(times[-1] for times in self.token_times)
        if end <= start:
            return DecodeWindow(0, 0.0)
        within = (time for times in self.token_times for time in times if start < time <= end)
        return DecodeWindow(sum(1 for _ in within), end - start)
