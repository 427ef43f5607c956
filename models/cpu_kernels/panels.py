"""A weight in the order in which a product reads it.

A panel is the weights of some neighbouring outputs, input by input: what is read one after the
other lies so, and outputs stand side by side as in a register. Where a checkpoint came in bfloat16,
its numbers are kept in 16 bits, and nothing is lost: reading takes half the time.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.bound_kernels import BoundKernel
from antiphon.models.cpu_kernels.micro_kernel import PANEL
from antiphon.models.cpu_kernels.panel_product import multiply_halved, multiply_wide

LOWER_HALF = 0xFFFF


class Panels:
    """weight  [outputs, inputs] float32."""

    def __init__(self, weight: Tensor) -> None:
        num_outputs, num_inputs = weight.shape
        padded = pad(weight, (0, 0, 0, -num_outputs % PANEL))
        bits = padded.view(torch.int32)
        is_halved = not bool((bits & LOWER_HALF).any())
        if is_halved:
            first, second = bits.view(-1, 2, PANEL // 2, num_inputs).unbind(1)
            # As bfloat16 numbers, whose bits are the upper halves.
            padded = (first >> 16 & LOWER_HALF) | second
        # torch aligns memory to cache lines, numpy does not.
        by_panel = padded.view(len(bits) // PANEL, -1, num_inputs).transpose(1, 2).contiguous()
        self.nbytes = by_panel.nbytes
        self._multiply = multiply_halved if is_halved else multiply_wide
        self._panels = by_panel.numpy().view("u4") if is_halved else by_panel.numpy()

    def multiply(self, rows: Floats, output: Floats) -> None:
        """Writes rows @ weight.T, [num_rows, outputs]."""
        self._multiply(rows, self._panels, output)

    def bind(self, rows: Floats, output: Floats) -> list[BoundKernel]:
        """The same for whatever will be in `rows`."""
        return [BoundKernel(self._multiply, rows, self._panels, output)]
