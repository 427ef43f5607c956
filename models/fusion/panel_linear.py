"""A linear layer on a CPU in float32, its weight in the order in which a product reads it."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from antiphon.models.cpu_kernels.arrays import Floats, as_rows
from antiphon.models.cpu_kernels.bound_kernels import BoundKernel
from antiphon.models.cpu_kernels.panels import Panels


class PanelLinear(nn.Module):
    """A row's outputs don't depend on the rows beside it.

    Raises RuntimeError for a weight of another type than float32.
    """

    largest_error: ClassVar[float] = 1e-5

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        if weight.dtype is not torch.float32:
            raise RuntimeError(f"panels are of float32 numbers, not {weight.dtype}")
        self.out_features = weight.shape[0]
        self.bias = bias
        self._panels = Panels(weight)
        self.weight_bytes = self._panels.nbytes

    def bind(self, rows: Floats, output: Floats) -> BoundKernel:
        """The product of what will be in `rows`, without the bias."""
        return self._panels.bind(rows, output)

    def forward(self, inputs: Tensor) -> Tensor:
        rows = as_rows(inputs)
        output = np.empty((len(rows), self.out_features), np.float32)
        self._panels.multiply(rows, output)
        outputs = torch.from_numpy(output).view(*inputs.shape[:-1], self.out_features)
        if self.bias is not None:
            outputs += self.bias
        return outputs
