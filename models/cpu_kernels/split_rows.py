"""float32 rows as 16 bits: two bytes for each number, in the order that products of bytes want."""

import numpy as np
from numpy.typing import NDArray

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.byte_micro_kernel import OFFSET
from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_share,
    unpack,
)
from antiphon.models.cpu_kernels.loops import loop

ARGUMENTS = argument_types("f4[:,::1], u1[:,::1], f4[::1]")
LARGEST = np.float32(32767)
UnsignedBytes = NDArray[np.uint8]


@loop
def _find_largest(row: Floats, largest: Floats) -> None:
    """largest[0] = the largest magnitude, NaN with a NaN: as integers, which have the same order
    and fit vector registers better."""
    bits = row.view(np.int32)
    most = np.int32(0)
    for index in range(len(bits)):
        most = max(most, bits[index] & np.int32(0x7FFFFFFF))
    largest.view(np.int32)[0] = most


@loop
def _split_row(row: Floats, upper: UnsignedBytes, lower: UnsignedBytes, scale: Floats) -> None:
    """scale[0] = 0 for a row of zeros, no number for one that holds more than numbers."""
    _find_largest(row, scale)
    largest = scale[0]
    steps = LARGEST / largest if largest > 0 else np.float32(0)
    for index in range(len(row)):
        number = np.int32(np.rint(row[index] * steps))
        upper[index] = (number >> np.int32(8)) + np.int32(OFFSET)
        lower[index] = number & np.int32(255)
    scale[0] = largest / LARGEST


@kernel(ARGUMENTS)
def split_rows(arguments: Arguments) -> None:
    """
    rows    [num_rows, dim]
    halves  [2 * num_rows, dim], is written to: each row's upper bytes plus OFFSET, then its lower
    scales  [num_rows], is written to; no number for a row with a NaN or an infinity
    """
    rows, halves, scales = unpack(arguments, ARGUMENTS)
    first, behind = thread_share(len(rows))
    for row in range(first, behind):
        upper, lower = halves[2 * row], halves[2 * row + 1]
        _split_row(rows[row], upper, lower, scales[row : row + 1])
