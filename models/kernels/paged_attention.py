"""Attention over the paged KV cache, read in place."""

import torch
import triton
from torch import Tensor

from antiphon.models.forward_batch import SequenceTables, VisibleRange
from antiphon.models.kernels.attention_kernel import attention_kernel
from antiphon.models.kernels.attention_plan import AttentionPlan
from antiphon.models.kernels.attention_tile import AttentionTile, padded
from antiphon.models.kernels.merge_kernel import merge_kernel
from antiphon.models.layer_kv import LayerKV
from antiphon.models.scoring import Scoring


def paged_attention(
    query: Tensor,
    kv: LayerKV,
    tables: SequenceTables,
    visible: VisibleRange,
    scoring: Scoring,
    plan: AttentionPlan,
) -> Tensor:
    """Causal attention of ragged queries; returns [num_tokens, heads, value_dim], contiguous.

    query: [num_tokens, heads, key_dim]; the last tokens of each sequence, whose keys and values are
           in `kv` already. Heads are a multiple of the KV heads.

    A sequence with context_len 0 gives zeros. Tokens that belong to no sequence come out undefined.
    The launch depends on shapes alone, so a CUDA graph of it serves all contents of the tables.
    """
    num_tokens, num_heads, _ = query.shape
    value_dim = kv.values.blocks.shape[3]
    output = query.new_empty((num_tokens, num_heads, value_dim))
    tile, num_splits = plan.tile, plan.num_splits
    if num_splits == 1:
        _attend(query, kv, tables, visible, scoring, tile, output[None], None)
        return output
    partials = query.new_empty((num_splits, *output.shape), dtype=torch.float32)
    log_sums = query.new_empty(partials.shape[:3], dtype=torch.float32)
    _attend(query, kv, tables, visible, scoring, tile, partials, log_sums)
    merge_kernel[(num_tokens, num_heads)](
        partials,
        log_sums,
        output,
        output.stride(0),
        output.stride(1),
        num_tokens,
        num_splits,
        VALUE_DIM=value_dim,
        PADDED_VALUE_DIM=padded(value_dim),
        PADDED_SPLITS=triton.next_power_of_2(num_splits),
        num_warps=4,
        enable_fp_fusion=True,
    )
    return output


def _attend(
    query: Tensor,
    kv: LayerKV,
    tables: SequenceTables,
    visible: VisibleRange,
    scoring: Scoring,
    tile: AttentionTile,
    output: Tensor,
    log_sums: Tensor | None,
) -> None:
    """Fills output [num_splits, num_tokens, heads, value_dim] and log_sums, the same less a dim."""
    keys, values = kv.keys.blocks, kv.values.blocks
    _, block_size, num_kv_heads, key_dim = keys.shape
    group_size = query.shape[1] // num_kv_heads
    assert query.stride(2) == keys.stride(3) == values.stride(3) == 1, "rows are contiguous"
    num_splits = len(output)
    num_tiles = tile.count_for(tables.max_query_len, group_size)
    attention_kernel[(num_tiles * num_splits, num_kv_heads, len(tables.context_lens))](
        query,
        keys,
        values,
        output,
        log_sums,
        tables.query_starts,
        tables.context_lens,
        tables.block_tables,
        scoring.sinks,
        scoring.scale,
        *query.stride()[:2],
        *keys.stride()[:3],
        *values.stride()[:3],
        *output.stride()[:3],
        tables.block_tables.stride(0),
        len(query),
        num_splits,
        GROUP_SIZE=group_size,
        KEY_DIM=key_dim,
        VALUE_DIM=values.shape[3],
        PADDED_KEY_DIM=padded(key_dim),
        PADDED_VALUE_DIM=padded(values.shape[3]),
        BLOCK_SIZE=block_size,
        WINDOW=None if visible.chunk_size is not None else visible.window,
        CHUNK_SIZE=visible.chunk_size,
        SOFTCAP=scoring.softcap,
        IS_SPLIT=log_sums is not None,
        TILE_ROWS=tile.num_rows,
        TILE_KEYS=tile.num_keys,
        num_warps=tile.num_warps,
        num_stages=tile.num_stages,
        enable_fp_fusion=True,
    )
