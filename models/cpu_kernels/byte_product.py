"""float32 rows times a weight in 8 bits that lies in panels."""

from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_share,
    unpack,
)
from antiphon.models.cpu_kernels.micro_kernel import PANEL
from antiphon.models.cpu_kernels.panel_product import multiply_share

ARGUMENTS = argument_types("f4[:,::1], i4[:,:,::1], f4[:,::1], f4[:,::1]")


@kernel(ARGUMENTS)
def multiply_float(arguments: Arguments) -> None:
    """output[r, o] = scales[o] * the sum over i of rows[r, i] * weight[o, i].

    rows    [num_rows, inputs]
    panels  [num_panels, inputs / 4, PANEL] words of four inputs
    scales  [num_panels, PANEL], what one step of the 8 bits is worth
    output  [num_rows, outputs], is written to
    """
    rows, panels, scales, output = unpack(arguments, ARGUMENTS)
    multiply_share(rows, panels, output)
    num_rows, num_outputs = output.shape
    first, behind = thread_share(len(panels))
    factors = scales.reshape(-1)
    for row in range(num_rows):
        for index in range(first * PANEL, min(behind * PANEL, num_outputs)):
            output[row, index] *= factors[index]
