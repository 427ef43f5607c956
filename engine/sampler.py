"""Logits to token ids, every place by its own parameters."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from antiphon.engine.adjustments import adjust
from antiphon.engine.places import Places
from antiphon.engine.random_stream import uniforms
from antiphon.engine.rows import Records
from antiphon.engine.token_draw import DrawParams, Way, draw, ways_of


def sample(logits: Tensor, places: Places) -> list[int]:
    """One token id per place.

    logits: [num_places, vocab_size] float32, changed in place.
    """
    adjust(logits, places)
    token_ids = logits.argmax(dim=-1)
    if places.sampling["temperature"].any():
        _draw_random(token_ids, logits, places)
    return token_ids.tolist()


def _draw_random(token_ids: Tensor, logits: Tensor, places: Places) -> None:
    """Fill in [num_places] token ids where they are drawn."""
    ways, positions = ways_of(places.sampling), places.positions()
    # What one place costs, such as putting the vocabulary in order, is not done for the others.
    for way in set(ways.tolist()) - {Way.LIKELIEST}:
        at = np.flatnonzero(ways == way)
        params = _params(places.sampling[at], positions[at], logits.device)
        rows = torch.from_numpy(at).to(logits.device)
        token_ids[rows] = draw(logits[rows], Way(way), params)


def _params(sampling: Records, positions: NDArray[np.int64], device: torch.device) -> DrawParams:
    def column(numbers: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(numbers.copy()).to(device)[:, None]

    return DrawParams(
        temperature=column(sampling["temperature"]).float(),
        top_k=column(sampling["top_k"]),
        top_p=column(sampling["top_p"]),
        min_p=column(sampling["min_p"]),
        uniforms=column(uniforms(sampling["seed"], positions)),
    )
