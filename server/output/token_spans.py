"""Which sampled tokens make up which characters of the generated text, with their probabilities."""

from collections import deque
from dataclasses import dataclass

from antiphon.engine.outputs import SampledToken
from antiphon.models.tokenizer import Tokenizer
from antiphon.server.protocol.logprobs import LogProb, TopLogProb

# JSON has no infinity; OpenAI's API writes this for what is as good as impossible.
LOWEST_LOGPROB = -9999.0


@dataclass(frozen=True, slots=True)
class _Span:
    """text[begin:end] came out of this token, alone or with others."""

    token: SampledToken
    begin: int
    end: int


class TokenSpans:
    """Fed token by token beside the text; hands each token out once, in order.

    A token that is only a part of a character belongs to where that character appears.
    """

    __slots__ = ("_end", "_pending", "_spans", "_tokenizer")

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._spans: deque[_Span] = deque()
        self._pending: list[SampledToken] = []
        self._end = 0

    def add(self, token: SampledToken, text: str) -> None:
        """`text`: what the output grew by with this token. A special token may show nothing."""
        if text or token.token_id not in self._tokenizer.special_token_ids:
            self._pending.append(token)
        self.show(text)

    def show(self, text: str) -> None:
        """The output grew without another token: a character that was never completed."""
        if not text:
            return
        last = len(self._pending) - 1
        for index, token in enumerate(self._pending):
            end = self._end + (len(text) if index == last else 1)
            self._spans.append(_Span(token, self._end, end))
        self._pending.clear()
        self._end += len(text)

    def take(self, offset: int, length: int) -> tuple[LogProb, ...]:
        """The tokens of text[offset : offset + length]; those before it are forgotten."""
        taken: list[LogProb] = []
        while self._spans and self._spans[0].begin < offset + length:
            span = self._spans.popleft()
            if span.end > offset and span.token.logprobs is not None:
                taken.append(self._entry(span.token))
        return tuple(taken)

    def _entry(self, token: SampledToken) -> LogProb:
        assert token.logprobs is not None, "only tokens with probabilities are handed out"
        chosen = self._top(token.token_id, token.logprobs.logprob)
        likeliest = tuple(self._top(*candidate) for candidate in token.logprobs.top)
        return LogProb(**chosen.model_dump(), top_logprobs=likeliest)

    def _top(self, token_id: int, logprob: float) -> TopLogProb:
        raw = self._tokenizer.token_bytes(token_id)
        return TopLogProb(
            token=raw.decode(errors="replace"),
            logprob=max(logprob, LOWEST_LOGPROB),
            bytes=tuple(raw),
        )
