"""New keys and values into the paged cache."""

import triton
import triton.language as tl
from torch import Tensor

from antiphon.models.layer_kv import LayerKV


def store_kv(key: Tensor, value: Tensor, kv: LayerKV, slot_mapping: Tensor) -> None:
    """Write each new token's key and value into its slot.

    key, value:    [num_tokens, num_kv_heads, key_dim | value_dim]
    slot_mapping:  [num_tokens] int64; block_id * block_size + offset. Padding is slot 0 of the null
                   block, where any of several tokens may win.
    """
    keys, values = kv.keys.blocks, kv.values.blocks
    _, block_size, num_kv_heads, key_dim = keys.shape
    value_dim = values.shape[3]
    assert key.stride(2) == value.stride(2) == keys.stride(3) == values.stride(3) == 1
    _store_kernel[(len(key),)](
        key,
        value,
        keys,
        values,
        slot_mapping,
        *key.stride()[:2],
        *value.stride()[:2],
        *keys.stride()[:3],
        *values.stride()[:3],
        BLOCK_SIZE=block_size,
        NUM_HEADS=num_kv_heads,
        PADDED_HEADS=triton.next_power_of_2(num_kv_heads),
        KEY_DIM=key_dim,
        PADDED_KEY_DIM=triton.next_power_of_2(key_dim),
        VALUE_DIM=value_dim,
        PADDED_VALUE_DIM=triton.next_power_of_2(value_dim),
        num_warps=4,
        enable_fp_fusion=True,
    )


@triton.jit
def _store_kernel(
    key: tl.tensor,
    value: tl.tensor,
    keys: tl.tensor,
    values: tl.tensor,
    slot_mapping: tl.tensor,
    key_stride_token: tl.tensor,
    key_stride_head: tl.tensor,
    value_stride_token: tl.tensor,
    value_stride_head: tl.tensor,
    keys_stride_block: tl.tensor,
    keys_stride_slot: tl.tensor,
    keys_stride_head: tl.tensor,
    values_stride_block: tl.tensor,
    values_stride_slot: tl.tensor,
    values_stride_head: tl.tensor,
    BLOCK_SIZE: tl.constexpr,
    NUM_HEADS: tl.constexpr,
    PADDED_HEADS: tl.constexpr,
    KEY_DIM: tl.constexpr,
    PADDED_KEY_DIM: tl.constexpr,
    VALUE_DIM: tl.constexpr,
    PADDED_VALUE_DIM: tl.constexpr,
) -> None:
    """One program a token."""
    token = tl.program_id(0).to(tl.int64)
    slot = tl.load(slot_mapping + token)
    block, offset = slot // BLOCK_SIZE, slot % BLOCK_SIZE
    _copy_heads(
        key + token * key_stride_token,
        key_stride_head,
        keys + block * keys_stride_block + offset * keys_stride_slot,
        keys_stride_head,
        NUM_HEADS,
        PADDED_HEADS,
        KEY_DIM,
        PADDED_KEY_DIM,
    )
    _copy_heads(
        value + token * value_stride_token,
        value_stride_head,
        values + block * values_stride_block + offset * values_stride_slot,
        values_stride_head,
        NUM_HEADS,
        PADDED_HEADS,
        VALUE_DIM,
        PADDED_VALUE_DIM,
    )


@triton.jit
def _copy_heads(
    source: tl.tensor,
    source_stride_head: tl.tensor,
    target: tl.tensor,
    target_stride_head: tl.tensor,
    NUM_HEADS: tl.constexpr,
    PADDED_HEADS: tl.constexpr,
    DIM: tl.constexpr,
    PADDED_DIM: tl.constexpr,
) -> None:
    heads = tl.arange(0, PADDED_HEADS)[:, None]
    dims = tl.arange(0, PADDED_DIM)[None, :]
    is_there = (heads < NUM_HEADS) & (dims < DIM)
    states = tl.load(source + heads * source_stride_head + dims, mask=is_there)
    tl.store(target + heads * target_stride_head + dims, states, mask=is_there)
