"""Penalties and biases: what callers and models change about logits before a token is chosen."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from antiphon.engine.places import Places
from antiphon.engine.token_history import TokenHistory


class _Seen(NamedTuple):
    """The tokens that one place finds before it, and how often each was written."""

    place: int
    token_ids: NDArray[np.int64]
    counts: NDArray[np.int64]


def adjust(logits: Tensor, places: Places) -> None:
    """Apply every place's own; places without any cost nothing.

    logits: [num_places, vocab_size] float32, changed in place.
    """
    adjusted = places.where("is_adjusted")
    if adjusted:
        _penalise(logits, places, adjusted)
        _bias(logits, places, adjusted)


def _penalise(logits: Tensor, places: Places, adjusted: list[int]) -> None:
    seen = list(_histories(places, adjusted))
    if not seen:
        return
    lengths = [len(one.token_ids) for one in seen]
    params = [places.sequences[one.place].params for one in seen]

    def column(numbers: list[float]) -> Tensor:
        return torch.from_numpy(np.repeat(np.array(numbers, np.float32), lengths)).to(logits.device)

    rows = torch.from_numpy(np.repeat([one.place for one in seen], lengths)).to(logits.device)
    token_ids = torch.from_numpy(np.concatenate([one.token_ids for one in seen])).to(logits.device)
    counts = torch.from_numpy(np.concatenate([one.counts for one in seen])).to(logits.device)
    scores = logits[rows, token_ids]
    repetition = column([row.repetition_penalty for row in params])
    scores = torch.where(scores > 0, scores / repetition, scores * repetition)
    presence = column([row.presence_penalty for row in params])
    frequency = column([row.frequency_penalty for row in params])
    penalty = presence + frequency * counts
    logits[rows, token_ids] = scores - penalty.masked_fill(counts == 0, 0.0)


def _histories(places: Places, adjusted: list[int]) -> Iterator[_Seen]:
    for place in adjusted:
        history = places.sequences[place].history
        if history is not None:
            drafts = places.drafts.get(place)
            yield (
                _with_drafts(place, history, drafts)
                if drafts
                else _Seen(place, history.token_ids, history.counts)
            )


def _with_drafts(place: int, history: TokenHistory, drafts: tuple[int, ...]) -> _Seen:
    """As if the drafts had been sampled; the history is afterwards as it was."""
    for token_id in drafts:
        history.append(token_id)
    seen = _Seen(place, history.token_ids.copy(), history.counts.copy())
    for token_id in reversed(drafts):
        history.pop(token_id)
    return seen


def _bias(logits: Tensor, places: Places, adjusted: list[int]) -> None:
    for place in adjusted:
        biases = places.sequences[place].params.logit_bias
        if biases:
            token_ids = torch.tensor(list(biases), device=logits.device)
            logits[place, token_ids] += torch.tensor(list(biases.values()), device=logits.device)
