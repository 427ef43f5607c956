"""The middle of a gated MLP: an activation of the gate times the up projection."""

import triton
import triton.language as tl
from torch import Tensor

TILE = 1024


def silu_mul(packed: Tensor) -> Tensor:
    """silu(gate) * up, rounded in between as two torch operations are.

    packed [..., 2 * dim], gate before up -> [..., dim]
    """
    return _launch(packed, is_gelu=False)


def gelu_tanh_mul(packed: Tensor) -> Tensor:
    """gelu(gate) * up with gelu's approximation by tanh; shapes as in `silu_mul`."""
    return _launch(packed, is_gelu=True)


def _launch(packed: Tensor, *, is_gelu: bool) -> Tensor:
    dim = packed.shape[-1] // 2
    rows = packed.reshape(-1, 2 * dim)
    assert rows.stride(1) == 1, "rows are contiguous"
    output = packed.new_empty((*packed.shape[:-1], dim))
    _gate_kernel[(len(rows), triton.cdiv(dim, TILE))](
        rows,
        output,
        rows.stride(0),
        DIM=dim,
        TILE=TILE,
        IS_GELU=is_gelu,
        num_warps=4,
        enable_fp_fusion=True,
    )
    return output


@triton.jit
def _gate_kernel(
    packed: tl.tensor,
    output: tl.tensor,
    stride_row: tl.tensor,
    DIM: tl.constexpr,
    TILE: tl.constexpr,
    IS_GELU: tl.constexpr,
) -> None:
    """One program a tile of one row."""
    row = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * TILE + tl.arange(0, TILE)
    is_there = columns < DIM
    sources = packed + row * stride_row + columns
    gate = tl.load(sources, mask=is_there, other=0.0).to(tl.float32)
    up = tl.load(sources + DIM, mask=is_there, other=0.0).to(tl.float32)
    slope = gate
    if IS_GELU:
        # (1 + tanh(x)) / 2 is sigmoid(2x); 2 * sqrt(2 / pi) = 1.5957691216
        slope = 1.5957691216057308 * (gate + 0.044715 * gate * gate * gate)
    dtype = output.dtype.element_ty
    active = (gate * tl.sigmoid(slope)).to(dtype).to(tl.float32)
    tl.store(output + row * DIM + columns, (active * up).to(dtype), mask=is_there)
