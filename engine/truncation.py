"""Cutting unlikely tokens off a distribution: top-k, top-p, min-p, in transformers' order."""

from typing import NamedTuple

import torch
from torch import Tensor

from antiphon.engine.sampling_params import SamplingParams


class Candidates(NamedTuple):
    """[num_rows, num_candidates] each, likeliest first; what was cut has probability 0."""

    probabilities: Tensor
    token_ids: Tensor


def truncate(logits: Tensor, params: list[SamplingParams]) -> Candidates:
    """logits: [num_rows, vocab_size], already divided by the temperature.

    Sources: top-p, Holtzman et al., 2020; min-p, Nguyen et al., 2024.
    """
    logits, token_ids = _likeliest_first(logits, params)
    ranks = torch.arange(logits.shape[1], device=logits.device)
    top_k = torch.tensor([row.top_k or logits.shape[1] for row in params], device=logits.device)
    logits = logits.masked_fill(ranks >= top_k[:, None], -torch.inf)

    probabilities = logits.softmax(dim=-1)
    likelier = probabilities.cumsum(dim=-1) - probabilities
    top_p = torch.tensor([row.top_p for row in params], device=logits.device)
    # The likeliest stays whatever top_p is; and off is off, though a sum can round to 1 too early.
    beyond_top_p = (likelier >= top_p[:, None]) & (top_p[:, None] < 1.0) & (ranks > 0)
    probabilities = probabilities.masked_fill(beyond_top_p, 0.0)

    min_p = torch.tensor([row.min_p for row in params], device=logits.device)
    below_min_p = probabilities < min_p[:, None] * probabilities[:, :1]
    return Candidates(probabilities.masked_fill(below_min_p, 0.0), token_ids)


def _likeliest_first(logits: Tensor, params: list[SamplingParams]) -> tuple[Tensor, Tensor]:
    """Sort, or only find the top, where every row says how many it wants."""
    vocab_size = logits.shape[1]
    num_wanted = max(min(row.top_k or vocab_size, vocab_size) for row in params)
    if num_wanted < vocab_size:
        top = logits.topk(num_wanted, dim=-1)
        return top.values, top.indices
    ordered = logits.sort(dim=-1, descending=True, stable=True)
    return ordered.values, ordered.indices
