"""float32 rows times a weight that lies in panels."""

import numpy as np

from antiphon.models.cpu_kernels.arrays import Floats, Integers, Words
from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_share,
    unpack,
)
from antiphon.models.cpu_kernels.loops import loop
from antiphon.models.cpu_kernels.micro_kernel import MAX_ROWS, PANEL, multiply_panel

WIDE = argument_types("f4[:,::1], f4[:,:,::1], f4[:,::1]")
HALVED = argument_types("f4[:,::1], u4[:,:,::1], f4[:,::1]")


@loop
def _multiply_rows(rows: Floats, panel: Floats | Words | Integers, output: Floats) -> None:
    """In groups of nearly one size, as a small one leaves registers unused."""
    num_rows = len(rows)
    num_groups = (num_rows + MAX_ROWS - 1) // MAX_ROWS
    for group in range(num_groups):
        start, end = num_rows * group // num_groups, num_rows * (group + 1) // num_groups
        multiply_panel(rows[start:end], panel, output[start:end])


@loop
def multiply_share(rows: Floats, panels: Floats | Words | Integers, output: Floats) -> None:
    """This thread's panels."""
    num_outputs = output.shape[1]
    first, behind = thread_share(len(panels))
    for index in range(first, behind):
        start, end = index * PANEL, (index + 1) * PANEL
        if end <= num_outputs:
            _multiply_rows(rows, panels[index], output[:, start:end])
        else:
            last = np.empty((len(rows), PANEL), np.float32)
            _multiply_rows(rows, panels[index], last)
            output[:, start:] = last[:, : num_outputs - start]


@kernel(WIDE)
def multiply_wide(arguments: Arguments) -> None:
    """output[r, o] = the sum over i of rows[r, i] * weight[o, i].

    rows    [num_rows, inputs]
    panels  of the weight, as `Panels` holds them
    output  [num_rows, outputs]
    """
    rows, panels, output = unpack(arguments, WIDE)
    multiply_share(rows, panels, output)


@kernel(HALVED)
def multiply_halved(arguments: Arguments) -> None:
    """The same with a weight whose numbers are kept in 16 bits."""
    rows, panels, output = unpack(arguments, HALVED)
    multiply_share(rows, panels, output)
