"""Activations as two signed bytes each, for products of integers, and what those give.

x = scale * (high + low / 254): 16 bits, of which every row has its own scale. Sums of integers are
exact: what a row gives doesn't depend on the rows beside it.
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

SPLIT = argument_types("f4[:,::1], i1[:,::1], f4[::1]")
JOIN = argument_types("i4[:,::1], f4[::1], f4[::1], f4[:,::1]")
LARGEST_BYTE = np.float32(127)
LOW_STEPS = np.float32(254)  # steps of the low byte in one step of the high byte


@loop
def _split_row(row: Floats, high: Bytes, low: Bytes) -> np.float32:
    """Returns the scale: 0 for a row of zeros, NaN for one that holds more than numbers."""
    largest, nothing = np.float32(0), np.float32(0)
    for index in range(len(row)):
        largest = max(largest, abs(row[index]))
        nothing += row[index] * np.float32(0)  # NaN, if one of them is none
    steps = LARGEST_BYTE / largest if largest > 0 else np.float32(0)
    for index in range(len(row)):
        scaled = row[index] * steps
        whole = np.rint(scaled)
        high[index] = np.int8(whole)
        low[index] = np.int8(np.rint((scaled - whole) * LOW_STEPS))
    return largest / LARGEST_BYTE + nothing


@kernel(SPLIT)
def split_rows(arguments: Arguments) -> None:
    """rows [num_rows, dim] -> halves [2 * num_rows, dim], high bytes first, and scales [num_rows].

    `join_products` gives NaN for a row with a NaN or an infinity.
    """
    rows, halves, scales = unpack(arguments, SPLIT)
    num_rows = len(rows)
    first, behind = thread_share(num_rows)
    for row in range(first, behind):
        scales[row] = _split_row(rows[row], halves[row], halves[num_rows + row])


@kernel(JOIN)
def join_products(arguments: Arguments) -> None:
    """products [2 * num_rows, outputs] of the halves -> output [num_rows, outputs].

    row_scales     [num_rows] from `split_rows`
    output_scales  [outputs], the weight's
    """
    products, row_scales, output_scales, output = unpack(arguments, JOIN)
    num_rows, num_outputs = output.shape
    first, behind = thread_share(num_rows)
    for row in range(first, behind):
        high, low = products[row], products[num_rows + row]
        for index in range(num_outputs):
            sum_of_halves = np.float32(high[index]) + np.float32(low[index]) / LOW_STEPS
            output[row, index] = sum_of_halves * row_scales[row] * output_scales[index]
