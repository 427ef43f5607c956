"""Cutting unlikely tokens off a distribution: top-p, then min-p, as transformers orders them."""

import torch
from torch import Tensor


def truncate(likeliest: Tensor, top_p: Tensor, min_p: Tensor) -> Tensor:
    """Probabilities of what is kept, 0 for what is cut; they need not sum to 1.

    likeliest:    [num_rows, num_candidates] logits, divided by the temperature, in descending
                  order; top-k has chosen the candidates.
    top_p, min_p: [num_rows, 1]
    Sources: top-p, Holtzman et al., 2020; min-p, Nguyen et al., 2024.
    """
    probabilities = likeliest.softmax(dim=-1)
    is_first = torch.arange(likeliest.shape[1], device=likeliest.device) == 0
    likelier = probabilities.cumsum(dim=-1) - probabilities
    # The likeliest stays whatever top_p is; and off is off, though a sum can round to 1 too early.
    beyond_top_p = (likelier >= top_p) & (top_p < 1.0) & ~is_first
    probabilities = probabilities.masked_fill(beyond_top_p, 0.0)
    return probabilities.masked_fill(probabilities < min_p * probabilities[:, :1], 0.0)
