"""RMSNorm of rows. Source: Zhang and Sennrich, 2019."""

import numpy as np

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_share,
    unpack,
)
from antiphon.models.cpu_kernels.loops import loop

NORM = argument_types("f4[:,::1], f4[::1], i8, f8, f4[:,::1]")
ADD_NORM = argument_types("f4[:,::1], f4[:,::1], f4[::1], i8, f8, f4[:,::1], f4[:,::1]")


@loop
def normalize(row: Floats, weight: Floats, offset: int, epsilon: float, output: Floats) -> None:
    """The norm of one row, which may be `output` itself."""
    total = np.float32(0)
    for index in range(len(row)):
        total += row[index] * row[index]
    mean_square = total / np.float32(len(row))
    factor = np.float32(1) / np.sqrt(mean_square + np.float32(epsilon))
    for index in range(len(row)):
        output[index] = row[index] * factor * (weight[index] + np.float32(offset))


@kernel(NORM)
def rms_norm(arguments: Arguments) -> None:
    """hidden, output [num_rows, dim]; weight [dim], to which `offset` is added."""
    hidden, weight, offset, epsilon, output = unpack(arguments, NORM)
    first, behind = thread_share(len(hidden))
    for row in range(first, behind):
        normalize(hidden[row], weight, offset, epsilon, output[row])


@kernel(ADD_NORM)
def add_rms_norm(arguments: Arguments) -> None:
    """total = update + residual, and the norm of that."""
    update, residual, weight, offset, epsilon, total, output = unpack(arguments, ADD_NORM)
    first, behind = thread_share(len(update))
    for row in range(first, behind):
        for index in range(update.shape[1]):
            total[row, index] = update[row, index] + residual[row, index]
        normalize(total[row], weight, offset, epsilon, output[row])
