"""A weight in 8 bits, in the order in which a product reads it: a scale for each output."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.bound_kernels import BoundKernel
from antiphon.models.cpu_kernels.byte_micro_kernel import OFFSET
from antiphon.models.cpu_kernels.byte_product import multiply_float, multiply_split
from antiphon.models.cpu_kernels.micro_kernel import PANEL
from antiphon.models.cpu_kernels.registers import REGISTERS
from antiphon.models.cpu_kernels.split_rows import split_rows

LARGEST = 127
INPUTS_IN_A_WORD = 4
MAX_INPUTS = 65536  # whose products of bytes fit one 32-bit sum


class RoundedPanels:
    """Rows are rounded to 16 bits where the processor multiplies bytes, and stay float32 elsewhere.

    weight    [outputs, inputs] float32
    has_dots  whether it does; None finds out.

    Raises RuntimeError for numbers of inputs that no kernel takes.
    """

    def __init__(self, weight: Tensor, has_dots: bool | None = None) -> None:
        num_outputs, num_inputs = weight.shape
        if num_inputs % INPUTS_IN_A_WORD or num_inputs > MAX_INPUTS:
            raise RuntimeError(f"no kernel multiplies {num_inputs} inputs by 8 bits")
        padded = pad(weight, (0, 0, 0, -num_outputs % PANEL))
        scales = row_scales(padded)
        rounded = (padded / scales[:, None]).round().to(torch.int8)
        by_panel = rounded.view(-1, PANEL, num_inputs // INPUTS_IN_A_WORD, INPUTS_IN_A_WORD)
        by_panel = by_panel.transpose(1, 2).contiguous()
        offsets = OFFSET * rounded.sum(dim=1, dtype=torch.int32)
        self.nbytes = by_panel.nbytes
        self._panels = by_panel.view(torch.int32).squeeze(-1).numpy()
        self._offsets = offsets.view(-1, PANEL).numpy()
        self._scales = scales.view(-1, PANEL).numpy()
        self._has_dots = REGISTERS.has_dots if has_dots is None else has_dots

    def multiply(self, rows: Floats, output: Floats) -> None:
        """Writes rows @ weight.T, [num_rows, outputs]."""
        if self._has_dots:
            halves, scales = _space(rows)
            split_rows(rows, halves, scales)
            words = halves.view(np.uint32)
            multiply_split(words, scales, self._panels, self._offsets, self._scales, output)
        else:
            multiply_float(rows, self._panels, self._scales, output)

    def bind(self, rows: Floats, output: Floats) -> list[BoundKernel]:
        """The same for whatever will be in `rows`."""
        if not self._has_dots:
            return [BoundKernel(multiply_float, rows, self._panels, self._scales, output)]
        halves, scales = _space(rows)
        weight = self._panels, self._offsets, self._scales
        return [
            BoundKernel(split_rows, rows, halves, scales),
            BoundKernel(multiply_split, halves.view(np.uint32), scales, *weight, output),
        ]


def row_scales(weight: Tensor) -> Tensor:
    """[out]: what one step of an 8-bit weight is worth in each row of [out, in]."""
    largest = weight.abs().amax(dim=1).clamp_min(torch.finfo(torch.float32).tiny)
    return largest / LARGEST


def _space(rows: Floats) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.uint8]], Floats]:
    """For what `split_rows` writes."""
    num_rows, dim = rows.shape
    return np.empty((2 * num_rows, dim), np.uint8), np.empty(num_rows, np.float32)
