"""Linear layers that read the same tensor, as one product."""

import torch
from torch import Tensor, nn


def stack_linears(linears: list[nn.Linear]) -> nn.Linear:
    """One layer that computes all of them, outputs side by side; missing biases are zeros.

    Their own weights become views of the common one: nothing is held twice.
    """
    first = linears[0]
    num_outputs = sum(linear.out_features for linear in linears)
    has_bias = any(linear.bias is not None for linear in linears)
    stacked = nn.Linear(first.in_features, num_outputs, bias=has_bias, device="meta")
    weight = torch.cat([linear.weight.data for linear in linears])
    stacked.weight = nn.Parameter(weight, requires_grad=False)
    rows = weight.split([linear.out_features for linear in linears])
    for linear, own_rows in zip(linears, rows, strict=True):
        linear.weight.data = own_rows
    if has_bias:
        biases = [
            linear.bias.data if linear.bias is not None else weight.new_zeros(linear.out_features)
            for linear in linears
        ]
        stacked.bias = nn.Parameter(torch.cat(biases), requires_grad=False)
    return stacked


class PackedLinear(nn.Module):
    """Computes all parts when the first is asked for, and keeps them for the others.

    Right for any order of calls: a part whose input is another tensor computes anew.
    """

    def __init__(self, linears: list[nn.Linear]) -> None:
        super().__init__()
        self._linear = stack_linears(linears)
        self._num_parts = len(linears)
        self._input: Tensor | None = None
        self._output: Tensor | None = None
        self._num_taken = 0

    def take(self, inputs: Tensor, start: int, end: int) -> Tensor:
        if self._output is None or inputs is not self._input:
            self._input, self._output = inputs, self._linear(inputs)
            self._num_taken = 0
        part = self._output[..., start:end]
        self._num_taken += 1
        if self._num_taken == self._num_parts:
            self._input = self._output = None
        return part


class PackedPart(nn.Module):
    """One of the linear layers: columns [start, end) of the common output."""

    def __init__(self, packed: PackedLinear, start: int, end: int) -> None:
        super().__init__()
        self._packed = packed
        self._start = start
        self._end = end

    def forward(self, inputs: Tensor) -> Tensor:
        return self._packed.take(inputs, self._start, self._end)


def pack_linears(linears: list[nn.Linear]) -> list[PackedPart]:
    """A part to stand in the place of each of these layers, which all read the same tensor."""
    packed = PackedLinear(linears)
    parts, start = [], 0
    for linear in linears:
        parts.append(PackedPart(packed, start, start + linear.out_features))
        start += linear.out_features
    return parts
