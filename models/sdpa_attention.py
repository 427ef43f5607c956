"""Paged attention with torch's scaled_dot_product_attention: the reference on every device.

Pages are gathered into a contiguous tensor per group of sequences, so it is correct everywhere and
fast on a CPU, where decode contexts of similar length share one call.
"""

import torch
from torch import Tensor

from antiphon.models.attention_backend import by_token
from antiphon.models.dense_attention import attend
from antiphon.models.forward_batch import DecodeGroup, ForwardBatch, PromptSpan, VisibleRange
from antiphon.models.layer_kv import LayerKV
from antiphon.models.scoring import Scoring


class SdpaAttention:
    """Keeps the `PagedAttention` protocol."""

    name = "paged, torch SDPA"
    needs_tables = False
    packs_decodes = False

    def store(self, key: Tensor, value: Tensor, kv: LayerKV, batch: ForwardBatch) -> None:
        kv.keys.store(by_token(key), batch)
        kv.values.store(by_token(value), batch)

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        kv: LayerKV,
        batch: ForwardBatch,
        visible: VisibleRange,
        scoring: Scoring,
    ) -> Tensor:
        if batch.groups:
            return _joined(
                [_attend_decode(query, kv, group, visible, scoring) for group in batch.groups],
                dim=0,
            )
        return _joined(
            [attend_span(query, key, value, kv, span, visible, scoring) for span in batch.spans],
            dim=1,
        )


def attend_span(
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
    return attend(query, key, value, scoring, mask=mask, is_causal=is_causal).transpose(1, 2)


def _attend_decode(
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
    mask = group.mask(visible, query)
    output = attend(query, key, value, scoring, mask=mask, is_causal=False)
    return output.reshape(num_rows, 1, num_heads, -1)


def _joined(parts: list[Tensor], dim: int) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=dim)
