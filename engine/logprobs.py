"""What the model thought of the tokens it was made to choose from."""

import torch
from torch import Tensor

from antiphon.engine.outputs import TokenLogprobs
from antiphon.engine.sequence import Sequence


class StepLogprobs:
    """Log probabilities of the rows that ask for them; the others cost nothing.

    They are the model's own, before penalties, biases, temperature and truncation. Under a grammar
    they are those of the allowed tokens among themselves, so that a chosen one is always possible.

    logits: [num_rows, vocab_size] float32, grammar masks applied; not kept.
    """

    def __init__(self, logits: Tensor, sequences: list[Sequence]) -> None:
        self._num_top = {
            row: sequence.params.num_top_logprobs
            for row, sequence in enumerate(sequences)
            if sequence.params.num_top_logprobs is not None
        }
        rows = list(self._num_top)
        self._by_row = dict(zip(rows, logits[rows].log_softmax(dim=-1), strict=True))

    def of(self, row: int, token_id: int) -> TokenLogprobs | None:
        """None for a row that did not ask."""
        if row not in self._by_row:
            return None
        logprobs = self._by_row[row]
        return TokenLogprobs(logprobs[token_id].item(), _top(logprobs, self._num_top[row]))


def _top(logprobs: Tensor, count: int) -> tuple[tuple[int, float], ...]:
    """The likeliest of [vocab_size], ties by id. What is impossible is left out."""
    if count == 0:
        return ()
    # `topk` leaves the order of ties open: only its last value is used.
    least = logprobs.topk(min(count, len(logprobs))).values[-1]
    candidates = ((logprobs >= least) & (logprobs > -torch.inf)).nonzero()[:, 0]
    order = logprobs[candidates].argsort(descending=True, stable=True)[:count]
    token_ids = candidates[order]
    return tuple(zip(token_ids.tolist(), logprobs[token_ids].tolist(), strict=True))
