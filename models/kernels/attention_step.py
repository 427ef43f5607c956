"""One step of flash attention: a tile of keys, its scores, and its part of the running softmax."""

import triton
import triton.language as tl

LOG2_E = tl.constexpr(1.4426950408889634)


@triton.jit
def attend_tile(
    query_rows: tl.tensor,
    weighted: tl.tensor,
    highest: tl.tensor,
    total: tl.tensor,
    positions: tl.tensor,
    tile_start: tl.tensor,
    end: tl.tensor,
    table: tl.tensor,
    head_keys: tl.tensor,
    head_values: tl.tensor,
    scale: tl.tensor,
    key_stride_block: tl.tensor,
    key_stride_slot: tl.tensor,
    value_stride_block: tl.tensor,
    value_stride_slot: tl.tensor,
    KEY_DIM: tl.constexpr,
    VALUE_DIM: tl.constexpr,
    PADDED_KEY_DIM: tl.constexpr,
    PADDED_VALUE_DIM: tl.constexpr,
    BLOCK_SIZE: tl.constexpr,
    WINDOW: tl.constexpr,
    CHUNK_SIZE: tl.constexpr,
    SOFTCAP: tl.constexpr,
    TILE_KEYS: tl.constexpr,
    IS_MASKED: tl.constexpr,
) -> tuple[tl.tensor, tl.tensor, tl.tensor]:
    """One step of the running softmax, in base 2."""
    key_dims = tl.arange(0, PADDED_KEY_DIM)
    value_dims = tl.arange(0, PADDED_VALUE_DIM)
    key_positions = tile_start + tl.arange(0, TILE_KEYS)
    is_stored = key_positions < end
    blocks = _find_blocks(table, key_positions, is_stored, BLOCK_SIZE, IS_MASKED)
    slots = key_positions % BLOCK_SIZE

    tile_keys = _load_tile(
        head_keys
        + (blocks * key_stride_block + slots * key_stride_slot)[None, :]
        + key_dims[:, None],
        is_stored[None, :],
        (key_dims < KEY_DIM)[:, None],
        IS_MASKED,
        KEY_DIM != PADDED_KEY_DIM,
    )
    scores = _scale(tl.dot(query_rows, tile_keys, input_precision="ieee"), scale, SOFTCAP)
    if IS_MASKED:
        scores = _hide_unseen(scores, positions, key_positions, WINDOW, CHUNK_SIZE)

    new_highest = tl.maximum(highest, tl.max(scores, 1))
    base = new_highest
    if IS_MASKED:
        base = tl.where(base == float("-inf"), 0.0, base)  # -inf - -inf would be NaN
    weights = tl.exp2(scores - base[:, None])
    fading = tl.exp2(highest - base)
    tile_values = _load_tile(
        head_values
        + (blocks * value_stride_block + slots * value_stride_slot)[:, None]
        + value_dims[None, :],
        is_stored[:, None],
        (value_dims < VALUE_DIM)[None, :],
        IS_MASKED,
        VALUE_DIM != PADDED_VALUE_DIM,
    )
    weighted = tl.dot(
        weights.to(tile_values.dtype),
        tile_values,
        weighted * fading[:, None],
        input_precision="ieee",
    )
    return weighted, new_highest, total * fading + tl.sum(weights, 1)


@triton.jit
def _find_blocks(
    table: tl.tensor,
    key_positions: tl.tensor,
    is_stored: tl.tensor,
    BLOCK_SIZE: tl.constexpr,
    IS_MASKED: tl.constexpr,
) -> tl.tensor:
    """In 64 bits: times a stride, a block's number passes 2^31."""
    if IS_MASKED:
        blocks = tl.load(table + key_positions // BLOCK_SIZE, mask=is_stored, other=0)
    else:
        blocks = tl.load(table + key_positions // BLOCK_SIZE)
    return blocks.to(tl.int64)


@triton.jit
def _scale(products: tl.tensor, scale: tl.tensor, SOFTCAP: tl.constexpr) -> tl.tensor:
    """Scores in base 2, squeezed where there is a cap."""
    if SOFTCAP is None:
        scores = products * (scale * LOG2_E)
    else:
        # tanh(x) = 1 - 2 / (exp(2x) + 1), which is right at both ends.
        tanh = 1.0 - 2.0 / (tl.exp2(products * (scale * 2.0 * LOG2_E / SOFTCAP)) + 1.0)
        scores = tanh * (SOFTCAP * LOG2_E)
    return scores


@triton.jit
def _hide_unseen(
    scores: tl.tensor,
    positions: tl.tensor,
    key_positions: tl.tensor,
    WINDOW: tl.constexpr,
    CHUNK_SIZE: tl.constexpr,
) -> tl.tensor:
    is_visible = key_positions[None, :] <= positions[:, None]
    if WINDOW is not None or CHUNK_SIZE is not None:
        first_key = first_visible(positions, WINDOW, CHUNK_SIZE)
        is_visible &= key_positions[None, :] >= first_key[:, None]
    return tl.where(is_visible, scores, float("-inf"))


@triton.jit
def _load_tile(
    pointers: tl.tensor,
    is_stored: tl.tensor,
    is_dim: tl.tensor,
    IS_MASKED: tl.constexpr,
    IS_PADDED: tl.constexpr,
) -> tl.tensor:
    """Only what was stored: memory behind it may hold a NaN, which no weight of zero undoes."""
    if IS_MASKED and IS_PADDED:
        return tl.load(pointers, mask=is_stored & is_dim, other=0.0)
    elif IS_MASKED:
        return tl.load(pointers, mask=is_stored, other=0.0)
    elif IS_PADDED:
        return tl.load(pointers, mask=is_dim, other=0.0)
    else:
        return tl.load(pointers)


@triton.jit
def first_visible(
    positions: tl.tensor, WINDOW: tl.constexpr, CHUNK_SIZE: tl.constexpr
) -> tl.tensor:
    """As `VisibleRange.first_visible`; may be negative."""
    if CHUNK_SIZE is not None:
        return positions // CHUNK_SIZE * CHUNK_SIZE
    elif WINDOW is not None:
        return positions - WINDOW + 1
    else:
        return positions * 0
