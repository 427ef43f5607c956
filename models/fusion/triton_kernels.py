"""The kernels of models/kernels behind the fused modules: what serves on CUDA."""

from torch import Tensor, nn

from antiphon.models.fusion.activations import is_gelu_tanh, is_silu
from antiphon.models.fusion.rms_norm import RmsNorm
from antiphon.models.fusion.torch_kernels import TorchKernels
from antiphon.models.kernels.rms_norm import NormScale, add_rms_norm, rms_norm
from antiphon.models.kernels.rotary import rotate
from antiphon.models.kernels.silu_mul import gelu_tanh_mul, silu_mul


class TritonKernels:
    """Keeps the `Kernels` protocol."""

    name = "Triton"

    def __init__(self) -> None:
        self._others = TorchKernels()

    def rms_norm(self, hidden: Tensor, norm: RmsNorm) -> Tensor:
        return rms_norm(hidden, norm.weight, norm.epsilon, _scale(norm))

    def add_rms_norm(
        self, update: Tensor, residual: Tensor, norm: RmsNorm
    ) -> tuple[Tensor, Tensor]:
        return add_rms_norm(update, residual, norm.weight, norm.epsilon, _scale(norm))

    def rotate(self, states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return rotate(states, cos, sin)

    def gate(self, gate_up: Tensor, activation: nn.Module) -> Tensor:
        if is_silu(activation):
            return silu_mul(gate_up)
        if is_gelu_tanh(activation):
            return gelu_tanh_mul(gate_up)
        return self._others.gate(gate_up, activation)


def _scale(norm: RmsNorm) -> NormScale:
    return NormScale.ONE_PLUS_WEIGHT if norm.offset else NormScale.WEIGHT
