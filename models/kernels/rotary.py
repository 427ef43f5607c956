"""Rotary position embeddings of queries and keys in one launch.

Source: RoFormer (Su et al., 2021), section 3.2.2, with the two numbers of a pair half a head apart,
as transformers' `apply_rotary_pos_emb` has it in most models.
"""

from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE_HEADS = 16


class Rotated(NamedTuple):
    """Queries and keys, [b, heads, s, dim] over memory that is [b, s, heads, dim]."""

    query: Tensor
    key: Tensor


def rotate(query: Tensor, key: Tensor, cosines: Tensor, sines: Tensor) -> Rotated:
    """Turn the first rotary_dim numbers of each head; the rest stays as it is.

    query, key:      [b, heads | num_kv_heads, s, dim]
    cosines, sines:  [b or 1, s, rotary_dim]

    Computed in float32 and rounded once, where transformers rounds each product.
    """
    batch_size, num_heads, num_tokens, dim = query.shape
    num_kv_heads = key.shape[1]
    rotary_dim = cosines.shape[2]
    assert query.stride(3) == key.stride(3) == cosines.stride(2) == sines.stride(2) == 1
    cosines, sines = (angles.expand(batch_size, -1, -1) for angles in (cosines, sines))
    rotated = Rotated(_like(query, cosines), _like(key, cosines))
    query_tiles = triton.cdiv(num_heads, TILE_HEADS)
    grid = (batch_size * num_tokens, query_tiles + triton.cdiv(num_kv_heads, TILE_HEADS))
    _rotary_kernel[grid](
        query,
        key,
        cosines,
        sines,
        *rotated,
        num_tokens,
        *query.stride()[:3],
        *key.stride()[:3],
        *cosines.stride()[:2],
        *sines.stride()[:2],
        NUM_HEADS=num_heads,
        NUM_KV_HEADS=num_kv_heads,
        QUERY_TILES=query_tiles,
        DIM=dim,
        ROTARY_DIM=rotary_dim,
        PADDED_HALF=triton.next_power_of_2(rotary_dim // 2),
        PADDED_REST=triton.next_power_of_2(max(1, dim - rotary_dim)),
        TILE_HEADS=TILE_HEADS,
        num_warps=4,
        enable_fp_fusion=True,
    )
    return rotated


def _like(states: Tensor, cosines: Tensor) -> Tensor:
    batch_size, num_heads, num_tokens, dim = states.shape
    dtype = torch.promote_types(states.dtype, cosines.dtype)
    return states.new_empty((batch_size, num_tokens, num_heads, dim), dtype=dtype).transpose(1, 2)


@triton.jit(do_not_specialize=["num_tokens"])
def _rotary_kernel(
    query: tl.tensor,
    key: tl.tensor,
    cosines: tl.tensor,
    sines: tl.tensor,
    rotated_query: tl.tensor,
    rotated_key: tl.tensor,
    num_tokens: tl.tensor,
    query_stride_row: tl.tensor,
    query_stride_head: tl.tensor,
    query_stride_token: tl.tensor,
    key_stride_row: tl.tensor,
    key_stride_head: tl.tensor,
    key_stride_token: tl.tensor,
    cosine_stride_row: tl.tensor,
    cosine_stride_token: tl.tensor,
    sine_stride_row: tl.tensor,
    sine_stride_token: tl.tensor,
    NUM_HEADS: tl.constexpr,
    NUM_KV_HEADS: tl.constexpr,
    QUERY_TILES: tl.constexpr,
    DIM: tl.constexpr,
    ROTARY_DIM: tl.constexpr,
    PADDED_HALF: tl.constexpr,
    PADDED_REST: tl.constexpr,
    TILE_HEADS: tl.constexpr,
) -> None:
    """One program a token and a few heads, first those of the query, then those of the key."""
    index = tl.program_id(0).to(tl.int64)
    row, token = index // num_tokens, index % num_tokens
    tile = tl.program_id(1)
    token_cosines = cosines + row * cosine_stride_row + token * cosine_stride_token
    token_sines = sines + row * sine_stride_row + token * sine_stride_token
    if tile < QUERY_TILES:
        _rotate_heads(
            query + row * query_stride_row + token * query_stride_token,
            query_stride_head,
            rotated_query + index * NUM_HEADS * DIM,
            token_cosines,
            token_sines,
            tile * TILE_HEADS,
            NUM_HEADS,
            DIM,
            ROTARY_DIM,
            PADDED_HALF,
            PADDED_REST,
            TILE_HEADS,
        )
    else:
        _rotate_heads(
            key + row * key_stride_row + token * key_stride_token,
            key_stride_head,
            rotated_key + index * NUM_KV_HEADS * DIM,
            token_cosines,
            token_sines,
            (tile - QUERY_TILES) * TILE_HEADS,
            NUM_KV_HEADS,
            DIM,
            ROTARY_DIM,
            PADDED_HALF,
            PADDED_REST,
            TILE_HEADS,
        )


@triton.jit
def _rotate_heads(
    source: tl.tensor,
    source_stride_head: tl.tensor,
    target: tl.tensor,
    cosines: tl.tensor,
    sines: tl.tensor,
    first_head: tl.tensor,
    NUM_HEADS: tl.constexpr,
    DIM: tl.constexpr,
    ROTARY_DIM: tl.constexpr,
    PADDED_HALF: tl.constexpr,
    PADDED_REST: tl.constexpr,
    TILE_HEADS: tl.constexpr,
) -> None:
    HALF: tl.constexpr = ROTARY_DIM // 2
    heads = (first_head + tl.arange(0, TILE_HEADS))[:, None]
    dims = tl.arange(0, PADDED_HALF)[None, :]
    is_dim = dims < HALF
    is_there = (heads < NUM_HEADS) & is_dim
    sources = source + heads * source_stride_head + dims
    targets = target + heads * DIM + dims
    first = tl.load(sources, mask=is_there).to(tl.float32)
    second = tl.load(sources + HALF, mask=is_there).to(tl.float32)
    first_cosines = tl.load(cosines + dims, mask=is_dim).to(tl.float32)
    second_cosines = tl.load(cosines + HALF + dims, mask=is_dim).to(tl.float32)
    first_sines = tl.load(sines + dims, mask=is_dim).to(tl.float32)
    second_sines = tl.load(sines + HALF + dims, mask=is_dim).to(tl.float32)
    dtype = target.dtype.element_ty
    turned = first * first_cosines - second * first_sines
    tl.store(targets, turned.to(dtype), mask=is_there)
    turned = second * second_cosines + first * second_sines
    tl.store(targets + HALF, turned.to(dtype), mask=is_there)
    if ROTARY_DIM < DIM:
        rest = ROTARY_DIM + tl.arange(0, PADDED_REST)[None, :]
        is_rest = (heads < NUM_HEADS) & (rest < DIM)
        kept = tl.load(source + heads * source_stride_head + rest, mask=is_rest)
        tl.store(target + heads * DIM + rest, kept.to(dtype), mask=is_rest)
