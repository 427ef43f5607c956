"""The middle of a gated MLP: an activation of the gate times the up projection."""

import numpy as np

from antiphon.models.cpu_kernels.exponential import exponentiate
from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_share,
    unpack,
)

ARGUMENTS = argument_types("f4[:,::1], b1, f4[:,::1]")
TILE = 256  # numbers, so that scratch stays in the nearest cache
GELU_SLOPE = np.float32(1.5957691216057308)
GELU_CUBIC = np.float32(0.044715)


@kernel(ARGUMENTS)
def gate(arguments: Arguments) -> None:
    """silu(gate) * up, or gelu by its approximation with tanh.

    gate_up  [num_rows, 2 * dim], gate before up
    output   [num_rows, dim]
    """
    gate_up, is_gelu, output = unpack(arguments, ARGUMENTS)
    dim = output.shape[1]
    num_tiles = (dim + TILE - 1) // TILE
    powers = np.empty(TILE, np.int32)
    first, behind = thread_share(len(gate_up) * num_tiles)
    for item in range(first, behind):
        row, start = item // num_tiles, item % num_tiles * TILE
        end = min(start + TILE, dim)
        gates, ups = gate_up[row, start:end], gate_up[row, dim + start : dim + end]
        target = output[row, start:end]
        for index in range(len(gates)):
            x = gates[index]
            # (1 + tanh(x)) / 2 is sigmoid(2x); 2 * sqrt(2 / pi) = 1.5957691216
            slope = GELU_SLOPE * (x + GELU_CUBIC * x * x * x) if is_gelu else x
            target[index] = -slope
        exponentiate(target, powers)
        for index in range(len(gates)):
            target[index] = gates[index] / (np.float32(1) + target[index]) * ups[index]
