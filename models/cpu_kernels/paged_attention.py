"""Attention over the paged KV cache, part by part of each token's keys."""

import numpy as np
import torch
from torch import Tensor

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.attention_merge import merge_parts
from antiphon.models.cpu_kernels.attention_parts import PART, attend_parts
from antiphon.models.forward_batch import SequenceTables, VisibleRange
from antiphon.models.layer_kv import LayerKV
from antiphon.models.scoring import Scoring


def paged_attention(
    query: Tensor,
    kv: LayerKV,
    tables: SequenceTables,
    visible: VisibleRange,
    scoring: Scoring,
) -> Tensor:
    """[num_tokens, heads, key_dim] -> [num_tokens, heads, value_dim], all in float32."""
    num_tokens, num_heads, _ = query.shape
    keys, values = kv.keys.blocks.numpy(), kv.values.blocks.numpy()
    context_lens = tables.context_lens.numpy()
    by_part = (num_tokens, -(-int(context_lens.max()) // PART), num_heads)
    parts = (
        np.empty(by_part, np.float32),
        np.empty(by_part, np.float32),
        np.empty((*by_part, values.shape[3]), np.float32),
    )
    attend_parts(
        query.numpy(),
        (keys, values),
        (tables.query_starts.numpy(), context_lens, tables.block_tables.numpy()),
        rules_of(visible, scoring),
        parts,
    )
    output = np.empty((num_tokens, num_heads, values.shape[3]), np.float32)
    merge_parts(parts, sinks_of(scoring, num_heads), output)
    return torch.from_numpy(output)


def rules_of(visible: VisibleRange, scoring: Scoring) -> tuple[int, int, float, float]:
    """As `attend_parts` takes them."""
    return visible.window or 0, visible.chunk_size or 0, scoring.scale, scoring.softcap or 0.0


def sinks_of(scoring: Scoring, num_heads: int) -> Floats:
    """As `merge_parts` takes them."""
    if scoring.sinks is None:
        return np.full(num_heads, -np.inf, np.float32)
    sinks: Floats = scoring.sinks.detach().numpy()
    return sinks
