"""Paged attention with torch's scaled_dot_product_attention: the reference on every device.

Pages are gathered into a contiguous tensor per group of sequences, so it is correct everywhere and
fast on a CPU, where decode contexts of similar length share one call.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from antiphon.models.forward_batch import DecodeGroup, PromptSpan, VisibleRange
from antiphon.models.layer_kv import LayerKV


@dataclass(frozen=True, slots=True)
class Scoring:
    """How one layer turns queries and keys into weights.

    scale    multiplies every score.
    softcap  squeezes scores into (-softcap, softcap) (Gemma 2, section 2).
    sinks    [heads] extra scores that take weight and give nothing (gpt-oss).
    """

    scale: float
    softcap: float | None = None
    sinks: Tensor | None = None

    def attend(
        self, query: Tensor, key: Tensor, value: Tensor, *, mask: Tensor | None, is_causal: bool
    ) -> Tensor:
        """Returns [n, heads, q, value_dim].

        query:       [n, heads, q, key_dim]
        key, value:  [n, num_kv_heads, k, key_dim | value_dim]
        mask:        added to the scores; broadcastable to [n, heads, q, k]
        """
        if self.softcap is None and self.sinks is None:
            return F.scaled_dot_product_attention(
                query,
                key,
                value,
                attn_mask=mask,
                is_causal=is_causal and query.shape[2] > 1,
                scale=self.scale,
                enable_gqa=query.shape[1] != key.shape[1],
            )
        return self._attend_explicitly(query, key, value, mask, is_causal)

    def _attend_explicitly(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, is_causal: bool
    ) -> Tensor:
        num_groups = query.shape[1] // key.shape[1]
        key, value = (states.repeat_interleave(num_groups, dim=1) for states in (key, value))
        scores = query @ key.transpose(2, 3) * self.scale
        if self.softcap is not None:
            scores = torch.tanh(scores / self.softcap) * self.softcap
        if is_causal:
            mask = torch.full_like(scores[0, 0], -torch.inf).triu(1)
        if mask is not None:
            scores = scores + mask
        return self._weights(scores).to(value.dtype) @ value

    def _weights(self, scores: Tensor) -> Tensor:
        """Softmax in float32; the sinks take part in the sum and are dropped."""
        if self.sinks is None:
            return scores.softmax(dim=-1, dtype=torch.float32)
        sinks = (
            self.sinks.to(scores.dtype)
            .view(1, -1, 1, 1)
            .expand(scores.shape[0], -1, scores.shape[2], 1)
        )
        return torch.cat([scores, sinks], dim=-1).softmax(dim=-1, dtype=torch.float32)[..., :-1]


def attend_prompt(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    kv: LayerKV,
    span: PromptSpan,
    visible: VisibleRange,
    scoring: Scoring,
) -> Tensor:
    """One chunk of a packed pass.

    query [1, heads, num_tokens, dim] -> [1, span length, heads, value_dim]
    """
    query = query[:, :, span.start : span.end]
    if span.block_table is None:
        key, value = key[:, :, span.start : span.end], value[:, :, span.start : span.end]
    else:
        key = kv.keys.gather(span.block_table[None], span.context_len)
        value = kv.values.gather(span.block_table[None], span.context_len)
    is_causal = span.is_plainly_causal(visible)
    mask = None if is_causal else span.mask(visible, query)
    return scoring.attend(query, key, value, mask=mask, is_causal=is_causal).transpose(1, 2)


def attend_decode(
    query: Tensor, kv: LayerKV, group: DecodeGroup, visible: VisibleRange, scoring: Scoring
) -> Tensor:
    """The rows of one group.

    query [num_rows, heads, 1, dim] -> [rows of the group, 1, heads, value_dim]
    """
    query = query[group.start : group.end]
    key = kv.keys.gather(group.block_tables, group.max_context_len)
    value = kv.values.gather(group.block_tables, group.max_context_len)
    num_rows, num_heads, num_kv_heads = query.shape[0], query.shape[1], key.shape[1]
    if scoring.sinks is None:
        # Query heads that share a key head stand in the place of tokens: one pass over each key.
        query = query.view(num_rows, num_kv_heads, num_heads // num_kv_heads, -1)
    output = scoring.attend(query, key, value, mask=group.mask(visible, query), is_causal=False)
    return output.reshape(num_rows, 1, num_heads, -1)
