"""The loops of models/cpu_kernels behind the fused modules: what serves on a CPU in float32."""

import numpy as np
import torch
from torch import Tensor, nn

from antiphon.models.cpu_kernels.arrays import Floats, as_rows
from antiphon.models.cpu_kernels.gated import gate
from antiphon.models.cpu_kernels.rms_norm import add_rms_norm, rms_norm
from antiphon.models.cpu_kernels.rotary import rotate
from antiphon.models.fusion.activations import is_gelu_tanh, is_silu
from antiphon.models.fusion.rms_norm import RmsNorm
from antiphon.models.fusion.torch_kernels import TorchKernels


class NumbaKernels:
    """Keeps the `Kernels` protocol."""

    name = "numba"

    def __init__(self) -> None:
        self._others = TorchKernels()

    def rms_norm(self, hidden: Tensor, norm: RmsNorm) -> Tensor:
        rows = as_rows(hidden)
        output = np.empty_like(rows)
        rms_norm(rows, *norm_arguments(norm), output)
        return torch.from_numpy(output).view(hidden.shape)

    def add_rms_norm(
        self, update: Tensor, residual: Tensor, norm: RmsNorm
    ) -> tuple[Tensor, Tensor]:
        rows = as_rows(update)
        total, output = np.empty_like(rows), np.empty_like(rows)
        add_rms_norm(rows, as_rows(residual), *norm_arguments(norm), total, output)
        shape = update.shape
        return torch.from_numpy(output).view(shape), torch.from_numpy(total).view(shape)

    def rotate(self, states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        if len(cos) != len(states):
            cos, sin = (angles.expand(len(states), -1, -1) for angles in (cos, sin))
        by_token = states.numpy().reshape(-1, *states.shape[2:])
        output = np.empty(by_token.shape, np.float32)
        rotate(by_token, as_rows(cos), as_rows(sin), output)
        return torch.from_numpy(output).view(states.shape)

    def gate(self, gate_up: Tensor, activation: nn.Module) -> Tensor:
        is_gelu = is_gelu_tanh(activation)
        if not is_gelu and not is_silu(activation):
            return self._others.gate(gate_up, activation)
        rows = as_rows(gate_up)
        output = np.empty((len(rows), rows.shape[1] // 2), np.float32)
        gate(rows, is_gelu, output)
        return torch.from_numpy(output).view(*gate_up.shape[:-1], output.shape[1])


def norm_arguments(norm: RmsNorm) -> tuple[Floats, int, float]:
    """As the kernels take it."""
    weight: Floats = norm.weight.numpy()
    return weight, norm.offset, norm.epsilon
