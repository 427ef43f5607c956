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
from antiphon.models.cpu_kernels.product_rows import ProductRows

LOWER_HALF = 0xFFFF
ROWS_AT_ONCE = 1024  # that are looked at


class Panels:
    """weight  [outputs, inputs] float32."""

    def __init__(self, weight: Tensor) -> None:
        num_inputs = weight.shape[1]
        bits = padded_to_panels(weight).view(torch.int32)
        is_halved = not any((some & LOWER_HALF).any() for some in bits.split(ROWS_AT_ONCE))
        words = _pairs(bits) if is_halved else bits
        # torch aligns memory to cache lines, numpy does not.
        by_panel = words.view(len(bits) // PANEL, -1, num_inputs).transpose(1, 2).contiguous()
        self.nbytes = by_panel.nbytes
        self._multiply = multiply_halved if is_halved else multiply_wide
        self._panels = by_panel.numpy().view("u4" if is_halved else "f4")

    def multiply(self, rows: Floats, output: Floats) -> None:
        """Writes rows @ weight.T, [num_rows, outputs]."""
        self._multiply(rows, self._panels, output)

    def bind(self, rows: ProductRows, output: Floats) -> list[BoundKernel]:
        """The same for whatever will be in `rows`."""
        return [BoundKernel(self._multiply, rows.floats, self._panels, output)]


def padded_to_panels(weight: Tensor) -> Tensor:
    """[outputs, inputs], with rows of zeros behind the last if they fill no panel."""
    num_missing = -len(weight) % PANEL
    return pad(weight, (0, 0, 0, num_missing)) if num_missing else weight.contiguous()


def _pairs(bits: Tensor) -> Tensor:
    """Two outputs to a word, as bfloat16 numbers: the upper halves of float32 ones."""
    first, second = bits.view(-1, 2, PANEL // 2, bits.shape[1]).unbind(1)
    return (first >> 16 & LOWER_HALF) | second
