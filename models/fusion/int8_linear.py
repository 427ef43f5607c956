"""A linear layer on a CPU with 8-bit weights.

Each row of the weight has a scale of its own. A few rows of activations are multiplied as float32,
which costs no more than reading the weight. For many, products of integers are faster where the
processor has instructions for them: activations are then rounded to 16 bits. Rounding them to 8
would cost a small model three percent of its perplexity: docs/performance.md has the numbers.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from antiphon.models.cpu_kernels.arrays import Floats, as_rows
from antiphon.models.cpu_kernels.bound_kernels import BoundKernel
from antiphon.models.cpu_kernels.byte_halves import join_products, split_rows
from antiphon.models.cpu_kernels.int8_product import multiply
from antiphon.models.integer_products import LARGEST_BYTE, has_exact_integers

MIN_INTEGER_ROWS = 6


class Int8Linear(nn.Module):
    """A row's outputs may differ in their last bits with the number of rows beside it.

    has_integers  whether this processor's products of integers are exact and fast; None finds out.
    """

    largest_error: ClassVar[float] = 5e-2  # rounding the weight takes about a hundredth

    def __init__(
        self, weight: Tensor, bias: Tensor | None, *, has_integers: bool | None = None
    ) -> None:
        super().__init__()
        self.out_features = weight.shape[0]
        self.weight_bytes = weight.numel()
        self.bias = bias
        wide = weight.detach().float().contiguous()
        scales = row_scales(wide)
        rounded = (wide / scales[:, None]).round().to(torch.int8)
        self._transposed = rounded.t()
        self._weight = rounded.numpy()
        self._scales = scales.numpy()
        self._has_integers = has_exact_integers() if has_integers is None else has_integers

    def bind(self, rows: Floats, output: Floats) -> BoundKernel | None:
        """The product of what will be in `rows`, without the bias; None for many rows, which are
        multiplied as integers."""
        if self._takes_integers(len(rows)):
            return None
        return BoundKernel(multiply, rows, self._weight, self._scales, output)

    def forward(self, inputs: Tensor) -> Tensor:
        rows = as_rows(inputs.float())
        output = np.empty((len(rows), self.out_features), np.float32)
        if self._takes_integers(len(rows)):
            self._multiply_integers(rows, output)
        else:
            multiply(rows, self._weight, self._scales, output)
        outputs = torch.from_numpy(output).view(*inputs.shape[:-1], self.out_features)
        if self.bias is not None:
            outputs += self.bias
        return outputs.to(inputs.dtype)

    def _takes_integers(self, num_rows: int) -> bool:
        return num_rows >= MIN_INTEGER_ROWS and self._has_integers

    def _multiply_integers(self, rows: Floats, output: Floats) -> None:
        halves = np.empty((2 * len(rows), rows.shape[1]), np.int8)
        scales = np.empty(len(rows), np.float32)
        split_rows(rows, halves, scales)
        products = torch._int_mm(torch.from_numpy(halves), self._transposed)
        join_products(products.numpy(), scales, self._scales, output)


def row_scales(weight: Tensor) -> Tensor:
    """[out]: what one step of an 8-bit weight is worth in each row of [out, in]."""
    largest = weight.abs().amax(dim=1).clamp_min(torch.finfo(torch.float32).tiny)
    return largest / LARGEST_BYTE
