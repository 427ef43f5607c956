"""What the model thought of the tokens it was made to choose from."""

import torch
from torch import Tensor

from antiphon.engine.outputs import TokenLogprobs
from antiphon.engine.places import Places


class StepLogprobs:
    """Log probabilities at the places that ask for them; the others cost nothing.

    They are the model's own, before penalties, biases, temperature and truncation. Under a grammar
    they are those of the allowed tokens among themselves, so that a chosen one is always possible.

    logits: [num_places, vocab_size] float32, grammar masks applied; not kept.
    """

    def __init__(self, logits: Tensor, places: Places) -> None:
        self._places = places
        asking = places.where("wants_logprobs")
        by_place = logits[asking].log_softmax(dim=-1) if asking else ()
        self._by_place = dict(zip(asking, by_place, strict=True))

    def of(self, token_ids: list[int]) -> dict[int, TokenLogprobs]:
        """Those of the tokens that were chosen, by place; only of the places that ask."""
        return {
            place: TokenLogprobs(
                logprobs[token_ids[place]].item(),
                _top(logprobs, self._places.sequences[place].params.num_top_logprobs or 0),
            )
            for place, logprobs in self._by_place.items()
        }


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
