"""A weight in 8 bits that is widened in registers, for rows in float32."""

from torch import Tensor

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.bound_kernels import BoundKernel
from antiphon.models.cpu_kernels.byte_product import multiply_float
from antiphon.models.cpu_kernels.product_rows import ProductRows
from antiphon.models.cpu_kernels.rounded_weight import RoundedWeight


class BytePanels:
    """As `RoundedWeight` makes them."""

    def __init__(self, weight: Tensor) -> None:
        rounded = RoundedWeight.of(weight)
        self.nbytes = rounded.panels.nbytes
        self._panels, self._scales = rounded.panels, rounded.scales

    def multiply(self, rows: Floats, output: Floats) -> None:
        """Writes rows @ weight.T, [num_rows, outputs]."""
        multiply_float(rows, self._panels, self._scales, output)

    def bind(self, rows: ProductRows, output: Floats) -> list[BoundKernel]:
        """The same for whatever will be in `rows`."""
        return [BoundKernel(multiply_float, rows.floats, self._panels, self._scales, output)]
