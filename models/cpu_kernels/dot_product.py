"""Rows of 16 bits times a weight in 8 bits that lies in panels, as products of bytes."""

import numpy as np

from antiphon.models.cpu_kernels.arrays import Floats, Integers, Words
from antiphon.models.cpu_kernels.byte_micro_kernel import MAX_ROWS, multiply_bytes
from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_share,
    unpack,
)
from antiphon.models.cpu_kernels.loops import loop
from antiphon.models.cpu_kernels.micro_kernel import PANEL

ARGUMENTS = argument_types("u4[:,::1], f4[::1], i4[:,:,::1], i4[:,::1], f4[:,::1], f4[:,::1]")


@loop
def _multiply_rows(
    rows: Words,
    row_scales: Floats,
    panel: Integers,
    offsets: Integers,
    scales: Floats,
    output: Floats,
) -> None:
    """In groups of nearly one size."""
    num_rows = len(row_scales)
    num_groups = (num_rows + MAX_ROWS - 1) // MAX_ROWS
    for group in range(num_groups):
        start, end = num_rows * group // num_groups, num_rows * (group + 1) // num_groups
        some, some_scales = rows[2 * start : 2 * end], row_scales[start:end]
        multiply_bytes(some, panel, offsets, some_scales, scales, output[start:end])


@kernel(ARGUMENTS)
def multiply_split(arguments: Arguments) -> None:
    """Of rows that were split.

    rows        [2 * num_rows, inputs / 4] words, the bytes of `split_rows`
    row_scales  [num_rows], what one step of the 16 bits is worth
    panels      [num_panels, inputs / 4, PANEL] words of four inputs
    offsets     [num_panels, PANEL], OFFSET times the sum of each output's weights
    scales      [num_panels, PANEL], what one step of the 8 bits is worth
    output      [num_rows, outputs], is written to
    """
    rows, row_scales, panels, offsets, scales, output = unpack(arguments, ARGUMENTS)
    num_rows, num_outputs = output.shape
    first, behind = thread_share(len(panels))
    for index in range(first, behind):
        start, end = index * PANEL, (index + 1) * PANEL
        panel, own_offsets, own_scales = panels[index], offsets[index], scales[index]
        if end <= num_outputs:
            own = output[:, start:end]
            _multiply_rows(rows, row_scales, panel, own_offsets, own_scales, own)
        else:
            last = np.empty((num_rows, PANEL), np.float32)
            _multiply_rows(rows, row_scales, panel, own_offsets, own_scales, last)
            output[:, start:] = last[:, : num_outputs - start]
