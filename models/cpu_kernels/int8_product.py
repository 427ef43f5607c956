"""float32 rows times a weight in 8 bits: W8A32.

The weight is widened in registers, a few of its rows at a time, while those are in the cache. One
row of activations is bound by reading the weight; with more of them, multiplying takes the time.
"""

import numpy as np

from antiphon.models.cpu_kernels.arrays import Bytes, Floats
from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_share,
    unpack,
)
from antiphon.models.cpu_kernels.loops import loop

ARGUMENTS = argument_types("f4[:,::1], i1[:,::1], f4[::1], f4[:,::1]")
TILE = 16  # outputs
MIN_ROWS_IN_FOURS = 8


@loop
def _dot(left: Floats, right: Floats | Bytes) -> np.float32:
    total = np.float32(0)
    for index in range(len(left)):
        total += left[index] * np.float32(right[index])
    return total


@loop
def _multiply_four(
    rows: Floats, weight: Floats, scales: Floats, output: Floats, row: int, column: int
) -> None:
    """Four rows by two outputs: what is read into a register is used more than once."""
    first, second, third, fourth = rows[0], rows[1], rows[2], rows[3]
    num_outputs = len(weight)
    for pair in range(0, num_outputs - 1, 2):
        left, right = weight[pair], weight[pair + 1]
        zero = np.float32(0)
        sum_1, sum_2, sum_3, sum_4 = zero, zero, zero, zero
        sum_5, sum_6, sum_7, sum_8 = zero, zero, zero, zero
        for index in range(len(left)):
            sum_1 += first[index] * left[index]
            sum_2 += second[index] * left[index]
            sum_3 += third[index] * left[index]
            sum_4 += fourth[index] * left[index]
            sum_5 += first[index] * right[index]
            sum_6 += second[index] * right[index]
            sum_7 += third[index] * right[index]
            sum_8 += fourth[index] * right[index]
        sums = ((sum_1, sum_5), (sum_2, sum_6), (sum_3, sum_7), (sum_4, sum_8))
        for offset in range(4):
            output[row + offset, column + pair] = sums[offset][0] * scales[pair]
            output[row + offset, column + pair + 1] = sums[offset][1] * scales[pair + 1]
    if num_outputs % 2:
        last = num_outputs - 1
        for offset in range(4):
            output[row + offset, column + last] = scales[last] * _dot(rows[offset], weight[last])


@loop
def _multiply_tile(
    rows: Floats, weight: Bytes, scales: Floats, output: Floats, start: int, end: int
) -> None:
    num_rows = len(rows)
    num_in_fours = num_rows // 4 * 4 if num_rows >= MIN_ROWS_IN_FOURS else 0
    if num_in_fours:
        wide = weight[start:end].astype(np.float32)
        for row in range(0, num_in_fours, 4):
            _multiply_four(rows[row : row + 4], wide, scales[start:end], output, row, start)
    for row in range(num_in_fours, num_rows):
        for column in range(start, end):
            output[row, column] = scales[column] * _dot(rows[row], weight[column])


@kernel(ARGUMENTS)
def multiply(arguments: Arguments) -> None:
    """output[r, o] = scales[o] * sum over i of rows[r, i] * weight[o, i]."""
    rows, weight, scales, output = unpack(arguments, ARGUMENTS)
    num_outputs = len(weight)
    first, behind = thread_share((num_outputs + TILE - 1) // TILE)
    for tile in range(first, behind):
        start = tile * TILE
        _multiply_tile(rows, weight, scales, output, start, min(start + TILE, num_outputs))
