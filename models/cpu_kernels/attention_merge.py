"""The parts of attention to one output.

Source: Flash-Decoding (Dao et al., 2023).
"""

import numpy as np

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.attention_parts import PARTS
from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_share,
    unpack,
)
from antiphon.models.cpu_kernels.loops import loop

ARGUMENTS = argument_types(f"{PARTS}, f4[::1], f4[:,:,::1]")


@loop
def _merge(largest: Floats, totals: Floats, sums: Floats, sink: float, output: Floats) -> None:
    """One head's parts; the sink's weight takes part and brings no value."""
    peak = sink
    for part in range(len(totals)):
        if totals[part] != 0:
            peak = max(largest[part], peak)  # in this order a NaN stays one
    output[:] = 0
    if peak == -np.inf:
        return
    total = np.exp(sink - peak)
    for part in range(len(totals)):
        if totals[part] != 0:
            factor = np.exp(largest[part] - peak)
            total += totals[part] * factor
            for index in range(len(output)):
                output[index] += sums[part, index] * factor
    for index in range(len(output)):
        output[index] /= total


@kernel(ARGUMENTS)
def merge_parts(arguments: Arguments) -> None:
    """Each head's output, zeros for a token that saw nothing.

    parts   as `attend_parts` leaves them
    sinks   [heads]; -inf where there are none
    output  [num_tokens, heads, value_dim]
    """
    (largest, totals, sums), sinks, output = unpack(arguments, ARGUMENTS)
    num_heads = output.shape[1]
    first, behind = thread_share(len(output) * num_heads)
    for row in range(first, behind):
        token, head = row // num_heads, row % num_heads
        parts_of_head = largest[token, :, head], totals[token, :, head], sums[token, :, head]
        _merge(*parts_of_head, sinks[head], output[token, head])
