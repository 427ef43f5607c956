"""A weight rounded to 8 bits, in the order in which a product reads it: a scale for each output."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from antiphon.models.cpu_kernels.arrays import Floats, Integers
from antiphon.models.cpu_kernels.micro_kernel import PANEL
from antiphon.models.cpu_kernels.panels import padded_to_panels

LARGEST_BYTE = 127
INPUTS_IN_A_WORD = 4
MAX_INPUTS = 65536  # whose products of bytes fit one 32-bit sum
ROWS_AT_ONCE = 1024  # that are rounded, so that no second copy of a large weight is made


@dataclass(frozen=True, slots=True)
class RoundedWeight:
    """
    panels  [num_panels, inputs / 4, PANEL] words of four inputs
    scales  [num_panels, PANEL], what one step of the 8 bits is worth
    sums    [num_panels, PANEL], of each output's weights in such steps
    """

    panels: Integers
    scales: Floats
    sums: Integers

    @classmethod
    def of(cls, weight: Tensor) -> Self:
        """[outputs, inputs] float32. Raises RuntimeError for inputs that no kernel takes."""
        num_inputs = weight.shape[1]
        if num_inputs % INPUTS_IN_A_WORD or num_inputs > MAX_INPUTS:
            raise RuntimeError(f"no kernel multiplies {num_inputs} inputs by 8 bits")
        padded = padded_to_panels(weight)
        scales = row_scales(padded)
        rounded = _rounded(padded, scales)
        by_word = rounded.view(-1, PANEL, num_inputs // INPUTS_IN_A_WORD, INPUTS_IN_A_WORD)
        by_panel = by_word.transpose(1, 2).contiguous().view(torch.int32).squeeze(-1)
        sums = rounded.sum(dim=1, dtype=torch.int32).view(-1, PANEL)
        return cls(by_panel.numpy(), scales.view(-1, PANEL).numpy(), sums.numpy())


def row_scales(weight: Tensor) -> Tensor:
    """[out]: what one step of an 8-bit weight is worth in each row of [out, in]."""
    largest = weight.abs().amax(dim=1).clamp_min(torch.finfo(torch.float32).tiny)
    return largest / LARGEST_BYTE


def _rounded(weight: Tensor, scales: Tensor) -> Tensor:
    parts = zip(weight.split(ROWS_AT_ONCE), scales[:, None].split(ROWS_AT_ONCE), strict=True)
    return torch.cat([(some / steps).round_().to(torch.int8) for some, steps in parts])
