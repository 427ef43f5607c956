"""A linear layer on a CPU, its weight in the order in which a product reads it."""

from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from antiphon.models.cpu_kernels.arrays import Floats, as_rows
from antiphon.models.cpu_kernels.bound_kernels import BoundKernel
from antiphon.models.cpu_kernels.byte_panels import BytePanels
from antiphon.models.cpu_kernels.panels import Panels
from antiphon.models.cpu_kernels.product_rows import ProductRows
from antiphon.models.cpu_kernels.registers import REGISTERS


class LaidOutWeight(Protocol):
    """[outputs, inputs]."""

    nbytes: int

    def multiply(self, rows: Floats, output: Floats) -> None: ...

    def bind(self, rows: ProductRows, output: Floats) -> list[BoundKernel]: ...


class LaidOutLinear(nn.Module):
    """A row's outputs don't depend on the rows beside it, in any bit."""

    def __init__(self, weight: LaidOutWeight, num_outputs: int, bias: Tensor | None) -> None:
        super().__init__()
        self.out_features = num_outputs
        self.weight_bytes = weight.nbytes
        self.bias = bias
        self._weight = weight

    def bind(self, rows: ProductRows, output: Floats) -> list[BoundKernel]:
        """The product of what will be in `rows`, without the bias."""
        return self._weight.bind(rows, output)

    def forward(self, inputs: Tensor) -> Tensor:
        rows = as_rows(inputs.float())
        output = np.empty((len(rows), self.out_features), np.float32)
        self._weight.multiply(rows, output)
        outputs = torch.from_numpy(output).view(*inputs.shape[:-1], self.out_features)
        if self.bias is not None:
            outputs += self.bias
        return outputs.to(inputs.dtype)


class PanelLinear(LaidOutLinear):
    """Raises RuntimeError for a weight of another type than float32."""

    largest_error: ClassVar[float] = 1e-5

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        if weight.dtype is not torch.float32:
            raise RuntimeError(f"panels are of float32 numbers, not {weight.dtype}")
        super().__init__(Panels(weight), len(weight), bias)


class Int8Linear(LaidOutLinear):
    """Weights of 8 bits.

    Where the processor multiplies bytes rows are rounded to 16 bits. Rounding them to 8 would cost
    a small model three percent of its perplexity: docs/performance.md has the numbers.

    has_dots  whether it does.
    """

    largest_error: ClassVar[float] = 5e-2  # rounding the weight takes about a hundredth

    def __init__(
        self, weight: Tensor, bias: Tensor | None, *, has_dots: bool = REGISTERS.has_dots
    ) -> None:
        wide = weight.detach().float()
        super().__init__(_dot_panels(wide) if has_dots else BytePanels(wide), len(weight), bias)


def _dot_panels(weight: Tensor) -> LaidOutWeight:
    from antiphon.models.cpu_kernels.dot_panels import DotPanels  # compiled as it is imported

    return DotPanels(weight)
