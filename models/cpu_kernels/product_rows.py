"""Rows that products will read, in the same memory again and again."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from antiphon.models.cpu_kernels.arrays import Floats


class ProductRows:
    """floats  [num_rows, dim]."""

    def __init__(self, floats: Floats) -> None:
        self.floats = floats

    @cached_property
    def halves(self) -> NDArray[np.uint8]:
        """[2 * num_rows, dim]: room for the bytes of `split_rows`."""
        num_rows, dim = self.floats.shape
        return np.empty((2 * num_rows, dim), np.uint8)

    @cached_property
    def scales(self) -> Floats:
        """[num_rows]: room for what a step of those bytes is worth."""
        return np.empty(len(self.floats), np.float32)
