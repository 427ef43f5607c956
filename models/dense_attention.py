"""Attention over keys in one piece: torch's SDPA where it serves, else written out."""

import torch
import torch.nn.functional as F
from torch import Tensor

from antiphon.models.scoring import Scoring


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scoring: Scoring,
    *,
    mask: Tensor | None,
    is_causal: bool,
) -> Tensor:
    """Returns [n, heads, q, value_dim].

    query:       [n, heads, q, key_dim]
    key, value:  [n, num_kv_heads, k, key_dim | value_dim]
    mask:        added to the scores; broadcastable to [n, heads, q, k]
    """
    if scoring.softcap is None and scoring.sinks is None:
        return F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=mask,
            is_causal=is_causal and query.shape[2] > 1,
            scale=scoring.scale,
            enable_gqa=query.shape[1] != key.shape[1],
        )
    return _attend_explicitly(query, key, value, scoring, mask, is_causal)


def _attend_explicitly(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scoring: Scoring,
    mask: Tensor | None,
    is_causal: bool,
) -> Tensor:
    num_groups = query.shape[1] // key.shape[1]
    key, value = (states.repeat_interleave(num_groups, dim=1) for states in (key, value))
    scores = query @ key.transpose(2, 3) * scoring.scale
    if scoring.softcap is not None:
        scores = torch.tanh(scores / scoring.softcap) * scoring.softcap
    if is_causal:
        mask = torch.full_like(scores[0, 0], -torch.inf).triu(1)
    if mask is not None:
        scores = scores + mask
    return _weights(scores, scoring.sinks).to(value.dtype) @ value


def _weights(scores: Tensor, sinks: Tensor | None) -> Tensor:
    """Softmax in float32; the sinks take part in the sum and are dropped."""
    if sinks is None:
        return scores.softmax(dim=-1, dtype=torch.float32)
    columns = (
        sinks.to(scores.dtype).view(1, -1, 1, 1).expand(scores.shape[0], -1, scores.shape[2], 1)
    )
    return torch.cat([scores, columns], dim=-1).softmax(dim=-1, dtype=torch.float32)[..., :-1]
