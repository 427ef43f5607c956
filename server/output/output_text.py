"""From one sequence's deltas to the text that may be shown."""

import itertools

from antiphon.engine.outputs import FinishReason, SampledToken, SequenceDelta
from antiphon.models.detokenizer import Detokenizer
from antiphon.models.stop_strings import StopStrings
from antiphon.server.output.token_spans import TokenSpans


class OutputText:
    """Decodes, hides the stop token, and ends at the first stop string.

    token_spans  where log probabilities were asked for: is told which token gave which text.
    """

    def __init__(
        self,
        detokenizer: Detokenizer,
        stop_strings: StopStrings,
        token_spans: TokenSpans | None = None,
    ) -> None:
        self._detokenizer = detokenizer
        self._stop_strings = stop_strings
        self._token_spans = token_spans

    @property
    def is_stopped(self) -> bool:
        """Whether a stop string has come: nothing after it is shown."""
        return self._stop_strings.matched is not None

    def feed(self, delta: SequenceDelta) -> str:
        """The text that is certain now; with the sequence's last delta, all the rest."""
        is_stop = delta.finish_reason is FinishReason.STOP
        token_ids = delta.token_ids[:-1] if is_stop else delta.token_ids
        text = self._stop_strings.feed(self._decode(token_ids, delta))
        return text if delta.finish_reason is None else text + self._rest()

    def _decode(self, token_ids: list[int], delta: SequenceDelta) -> str:
        if self._token_spans is None:
            return self._detokenizer.feed(token_ids)
        sampled = zip(delta.token_ids, delta.logprobs, strict=True)
        tokens = list(itertools.starmap(SampledToken, sampled))[: len(token_ids)]
        return "".join(self._decode_one(token, self._token_spans) for token in tokens)

    def _decode_one(self, token: SampledToken, token_spans: TokenSpans) -> str:
        text = self._detokenizer.feed([token.token_id])
        token_spans.add(token, text)
        return text

    def _rest(self) -> str:
        unfinished = self._detokenizer.finish()
        if self._token_spans is not None:
            self._token_spans.show(unfinished)
        return self._stop_strings.feed(unfinished) + self._stop_strings.finish()
