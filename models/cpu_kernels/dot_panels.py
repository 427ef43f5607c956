"""A weight in 8 bits for rows of 16 bits, where the processor multiplies bytes.

Not to be imported elsewhere: its kernels can't be compiled there.
"""

import numpy as np
from torch import Tensor

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.bound_kernels import BoundKernel
from antiphon.models.cpu_kernels.byte_micro_kernel import OFFSET
from antiphon.models.cpu_kernels.dot_product import multiply_split
from antiphon.models.cpu_kernels.product_rows import ProductRows
from antiphon.models.cpu_kernels.rounded_weight import RoundedWeight
from antiphon.models.cpu_kernels.split_rows import split_rows


class DotPanels:
    """As `RoundedWeight` makes them."""

    def __init__(self, weight: Tensor) -> None:
        rounded = RoundedWeight.of(weight)
        self.nbytes = rounded.panels.nbytes
        self._weight = rounded.panels, OFFSET * rounded.sums, rounded.scales

    def multiply(self, rows: Floats, output: Floats) -> None:
        """Writes rows @ weight.T, [num_rows, outputs]."""
        split = ProductRows(rows)
        split_rows(rows, split.halves, split.scales)
        multiply_split(split.halves.view(np.uint32), split.scales, *self._weight, output)

    def bind(self, rows: ProductRows, output: Floats) -> list[BoundKernel]:
        """The same for whatever will be in `rows`."""
        words = rows.halves.view(np.uint32)
        return [
            BoundKernel(split_rows, rows.floats, rows.halves, rows.scales),
            BoundKernel(multiply_split, words, rows.scales, *self._weight, output),
        ]
