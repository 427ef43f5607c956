"""Root mean square layer normalization, alone or after the addition of a residual.

Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019. Numbers are rounded where
transformers' own modules round them.
"""

from enum import Enum, auto
from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

TILE_NUMBERS = 1024  # of short rows together, such as those of one head
MIN_WARPS, MAX_WARPS = 4, 16
NUMBERS_PER_WARP = 512


class NormScale(Enum):
    """What a normalized row is multiplied by.

    WEIGHT           the weight, after rounding to the row's type (LlamaRMSNorm).
    ONE_PLUS_WEIGHT  1 + weight, in float32 (GemmaRMSNorm).
    """

    WEIGHT = auto()
    ONE_PLUS_WEIGHT = auto()


class AddedNorm(NamedTuple):
    """normed is the norm of summed, and summed is the residual from here on."""

    normed: Tensor
    summed: Tensor


def rms_norm(hidden: Tensor, weight: Tensor, epsilon: float, scale: NormScale) -> Tensor:
    """Returns a contiguous tensor of hidden's shape.

    hidden:  [..., dim]; rows may lie apart, as those of a slice do
    weight:  [dim]
    """
    output = _output(hidden, weight, scale)
    _launch(hidden, None, weight, output, None, epsilon, scale)
    return output


def add_rms_norm(
    hidden: Tensor, residual: Tensor, weight: Tensor, epsilon: float, scale: NormScale
) -> AddedNorm:
    """hidden + residual, rounded to hidden's type, and the norm of that.

    hidden, residual:  [..., dim], of the same type
    weight:            [dim]
    """
    output = _output(hidden, weight, scale)
    summed = hidden.new_empty(hidden.shape)
    _launch(hidden, residual, weight, output, summed, epsilon, scale)
    return AddedNorm(output, summed)


def _output(hidden: Tensor, weight: Tensor, scale: NormScale) -> Tensor:
    dtype = hidden.dtype
    if scale is NormScale.WEIGHT:
        dtype = torch.promote_types(dtype, weight.dtype)
    return hidden.new_empty(hidden.shape, dtype=dtype)


def _launch(
    hidden: Tensor,
    residual: Tensor | None,
    weight: Tensor,
    output: Tensor,
    summed: Tensor | None,
    epsilon: float,
    scale: NormScale,
) -> None:
    dim = hidden.shape[-1]
    rows = _rows(hidden)
    residual_rows = rows if residual is None else _rows(residual)
    num_rows = rows.shape[0] * rows.shape[1]
    padded_dim = triton.next_power_of_2(dim)
    tile_rows = max(1, TILE_NUMBERS // padded_dim)
    _norm_kernel[(triton.cdiv(num_rows, tile_rows),)](
        rows,
        None if residual is None else residual_rows,
        weight,
        output,
        summed,
        epsilon,
        num_rows,
        rows.shape[1],
        *rows.stride()[:2],
        *residual_rows.stride()[:2],
        ADDS_ONE=scale is NormScale.ONE_PLUS_WEIGHT,
        DIM=dim,
        PADDED_DIM=padded_dim,
        TILE_ROWS=tile_rows,
        num_warps=min(MAX_WARPS, max(MIN_WARPS, padded_dim // NUMBERS_PER_WARP)),
        enable_fp_fusion=True,
    )


def _rows(states: Tensor) -> Tensor:
    """[outer, inner, dim], without a copy for the heads of packed projections."""
    inner = states.shape[-2] if states.dim() > 1 else 1
    rows = states.reshape(-1, inner, states.shape[-1])
    return rows if rows.stride(2) == 1 else rows.contiguous()


@triton.jit(do_not_specialize=["num_rows", "num_inner"])
def _norm_kernel(
    hidden: tl.tensor,
    residual: tl.tensor,  # or None
    weight: tl.tensor,
    output: tl.tensor,
    summed: tl.tensor,  # or None
    epsilon: tl.tensor,
    num_rows: tl.tensor,
    num_inner: tl.tensor,
    hidden_stride_outer: tl.tensor,
    hidden_stride_inner: tl.tensor,
    residual_stride_outer: tl.tensor,
    residual_stride_inner: tl.tensor,
    ADDS_ONE: tl.constexpr,
    DIM: tl.constexpr,
    PADDED_DIM: tl.constexpr,
    TILE_ROWS: tl.constexpr,
) -> None:
    """One program a tile of whole rows."""
    rows = tl.program_id(0) * TILE_ROWS + tl.arange(0, TILE_ROWS)
    dims = tl.arange(0, PADDED_DIM)[None, :]
    is_there = (rows < num_rows)[:, None] & (dims < DIM)
    outer, inner = (rows // num_inner).to(tl.int64)[:, None], (rows % num_inner)[:, None]
    targets = rows.to(tl.int64)[:, None] * DIM + dims

    states = tl.load(
        hidden + outer * hidden_stride_outer + inner * hidden_stride_inner + dims,
        mask=is_there,
        other=0.0,
    ).to(tl.float32)
    if residual is not None:
        states += tl.load(
            residual + outer * residual_stride_outer + inner * residual_stride_inner + dims,
            mask=is_there,
            other=0.0,
        ).to(tl.float32)
        states = states.to(hidden.dtype.element_ty)
        tl.store(summed + targets, states, mask=is_there)
        states = states.to(tl.float32)

    mean_square = tl.sum(states * states, 1) / DIM
    normed = states * tl.rsqrt(mean_square + epsilon)[:, None]
    factors = tl.load(weight + dims, mask=dims < DIM, other=0.0).to(tl.float32)
    if ADDS_ONE:
        factors += 1.0
    else:
        normed = normed.to(hidden.dtype.element_ty).to(tl.float32)
    tl.store(targets + output, (normed * factors).to(output.dtype.element_ty), mask=is_there)
