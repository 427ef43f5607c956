"""Rotary position embeddings in one launch: queries and keys are heads of one tensor.

Source: RoFormer (Su et al., 2021), section 3.2.2, with the two numbers of a pair half a head apart,
as transformers' `apply_rotary_pos_emb` has it in most models.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE_HEADS = 16


def rotate(states: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Turn the first rotary_dim numbers of each head; the rest stays. Returns a contiguous tensor.

    states:          [b, s, heads, dim]; heads may lie between those of others
    cosines, sines:  [b or 1, s, rotary_dim]

    Both products are rounded, and their sum, as in transformers: 16 bits forgive no less.
    """
    batch_size, num_tokens, num_heads, dim = states.shape
    rotary_dim = cosines.shape[2]
    assert states.stride(3) == cosines.stride(2) == sines.stride(2) == 1
    cosines, sines = (angles.expand(batch_size, -1, -1) for angles in (cosines, sines))
    dtype = torch.promote_types(states.dtype, cosines.dtype)
    rotated = states.new_empty(states.shape, dtype=dtype)
    _rotary_kernel[(batch_size * num_tokens, triton.cdiv(num_heads, TILE_HEADS))](
        states,
        cosines,
        sines,
        rotated,
        num_tokens,
        *states.stride()[:3],
        *cosines.stride()[:2],
        *sines.stride()[:2],
        NUM_HEADS=num_heads,
        DIM=dim,
        ROTARY_DIM=rotary_dim,
        PADDED_HALF=triton.next_power_of_2(rotary_dim // 2),
        PADDED_REST=triton.next_power_of_2(max(1, dim - rotary_dim)),
        TILE_HEADS=TILE_HEADS,
        num_warps=4,
        enable_fp_fusion=True,
    )
    return rotated


@triton.jit(do_not_specialize=["num_tokens"])
def _rotary_kernel(
    states: tl.tensor,
    cosines: tl.tensor,
    sines: tl.tensor,
    rotated: tl.tensor,
    num_tokens: tl.tensor,
    stride_row: tl.tensor,
    stride_token: tl.tensor,
    stride_head: tl.tensor,
    cosine_stride_row: tl.tensor,
    cosine_stride_token: tl.tensor,
    sine_stride_row: tl.tensor,
    sine_stride_token: tl.tensor,
    NUM_HEADS: tl.constexpr,
    DIM: tl.constexpr,
    ROTARY_DIM: tl.constexpr,
    PADDED_HALF: tl.constexpr,
    PADDED_REST: tl.constexpr,
    TILE_HEADS: tl.constexpr,
) -> None:
    """One program a token and a few of its heads."""
    HALF: tl.constexpr = ROTARY_DIM // 2
    index = tl.program_id(0).to(tl.int64)
    row, token = index // num_tokens, index % num_tokens
    heads = (tl.program_id(1) * TILE_HEADS + tl.arange(0, TILE_HEADS))[:, None]
    dims = tl.arange(0, PADDED_HALF)[None, :]
    is_dim = dims < HALF
    is_there = (heads < NUM_HEADS) & is_dim
    source = states + row * stride_row + token * stride_token + heads * stride_head
    target = rotated + (index * NUM_HEADS + heads) * DIM
    token_cosines = cosines + row * cosine_stride_row + token * cosine_stride_token
    token_sines = sines + row * sine_stride_row + token * sine_stride_token
    first = tl.load(source + dims, mask=is_there).to(tl.float32)
    second = tl.load(source + HALF + dims, mask=is_there).to(tl.float32)
    first_cosines = tl.load(token_cosines + dims, mask=is_dim).to(tl.float32)
    second_cosines = tl.load(token_cosines + HALF + dims, mask=is_dim).to(tl.float32)
    first_sines = tl.load(token_sines + dims, mask=is_dim).to(tl.float32)
    second_sines = tl.load(token_sines + HALF + dims, mask=is_dim).to(tl.float32)
    dtype = rotated.dtype.element_ty
    straight = (first * first_cosines).to(dtype).to(tl.float32)
    across = (second * first_sines).to(dtype).to(tl.float32)
    tl.store(target + dims, (straight - across).to(dtype), mask=is_there)
    straight = (second * second_cosines).to(dtype).to(tl.float32)
    across = (first * second_sines).to(dtype).to(tl.float32)
    tl.store(target + HALF + dims, (straight + across).to(dtype), mask=is_there)
    if ROTARY_DIM < DIM:
        rest = ROTARY_DIM + tl.arange(0, PADDED_REST)[None, :]
        is_rest = (heads < NUM_HEADS) & (rest < DIM)
        kept = tl.load(source + rest, mask=is_rest)
        tl.store(target + rest, kept.to(dtype), mask=is_rest)
