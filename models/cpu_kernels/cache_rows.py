"""Where a sequence's keys, or values, stand in the paged cache."""

from typing import Any

import numpy as np
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from antiphon.models.cpu_kernels.arrays import Floats, Integers
from antiphon.models.cpu_kernels.loops import loop
from antiphon.models.cpu_kernels.prefetch import prefetch_number

Rows = NDArray[np.int64]
FLOAT_BYTES = 4
LINE = 16  # float32 numbers in 64 bytes


@loop
def find_rows(states: Floats, table: Integers, first: int, rows: Rows) -> None:
    """rows[i] = how many numbers stand before the first head of position first + i.

    states  [num_blocks, block_size, num_kv_heads, dim]
    table   [num_blocks of the sequence]
    """
    block_size = states.shape[1]
    by_block = states.strides[0] // FLOAT_BYTES
    by_place = states.strides[1] // FLOAT_BYTES
    for index in range(len(rows)):
        block, place = (first + index) // block_size, (first + index) % block_size
        rows[index] = table[block] * by_block + place * by_place


@loop
def head_offset(states: Floats, kv_head: int) -> int:
    """How many numbers stand between a row's begin and this head."""
    return kv_head * (states.strides[2] // FLOAT_BYTES)


@loop
def prefetch_row(states: Floats, row: int) -> None:
    """All heads of one position."""
    for kv_head in range(states.shape[2]):
        offset = row + head_offset(states, kv_head)
        for index in range(0, states.shape[3], LINE):
            prefetch_number(states, offset + index)


@intrinsic
def number_at(_: Any, states: Any, offset: Any) -> Any:  # noqa: ANN401
    """The number that so many others stand before."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ANN401
        array = context.make_array(signature.args[0])(context, builder, values[0])
        return builder.load(builder.gep(array.data, [values[1]]))

    return types.float32(states, types.intp), generate
