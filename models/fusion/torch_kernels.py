"""The kernels in plain torch: what serves where no others do, and the reference for them."""

import torch
from torch import Tensor, nn

from antiphon.models.fusion.rms_norm import RmsNorm


class TorchKernels:
    """Keeps the `Kernels` protocol.

    All layers of a pass get the same cosines and sines: what is made of them is kept for the next.
    """

    name = "torch"

    def __init__(self) -> None:
        self._cos: Tensor | None = None
        self._sin: Tensor | None = None
        self._factors: tuple[Tensor, ...] = ()

    def rms_norm(self, hidden: Tensor, norm: RmsNorm) -> Tensor:
        """In float32, and rounded where transformers' own norms round."""
        wide = hidden.float()
        length = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
        mean_square = torch.addcmul(
            norm.epsilon_as_tensor, length, length, value=1 / hidden.shape[-1]
        )
        normed = wide * mean_square.rsqrt_()
        if norm.offset:
            return normed.mul_(norm.weight.float() + norm.offset).to(hidden.dtype)
        return normed.to(hidden.dtype).mul_(norm.weight)

    def add_rms_norm(
        self, update: Tensor, residual: Tensor, norm: RmsNorm
    ) -> tuple[Tensor, Tensor]:
        total = update + residual
        return self.rms_norm(total, norm), total

    def rotate(self, states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        if cos is not self._cos or sin is not self._sin:
            self._cos, self._sin = cos, sin
            self._factors = _rotary_factors(cos, sin)
        rotary_dim = cos.shape[-1]
        if rotary_dim == states.shape[-1]:
            return _rotate(states, *self._factors)
        rotated, rest = states.split((rotary_dim, states.shape[-1] - rotary_dim), dim=-1)
        return torch.cat([_rotate(rotated, *self._factors), rest], dim=-1)

    def gate(self, gate_up: Tensor, activation: nn.Module) -> Tensor:
        gate, up = gate_up.chunk(2, dim=-1)
        gated: Tensor = activation(gate)
        return gated.mul_(up)


def _rotary_factors(cos: Tensor, sin: Tensor) -> tuple[Tensor, ...]:
    """[b, s, 1, rotary_dim] each, the first half of the sines negated."""
    first, second = sin.chunk(2, dim=-1)
    return cos.unsqueeze(2), torch.cat([-first, second], dim=-1).unsqueeze(2)


def _rotate(states: Tensor, cos: Tensor, signed_sin: Tensor) -> Tensor:
    # Three roundings, as transformers has them: bfloat16 forgives no fewer.
    swapped = states.roll(states.shape[-1] // 2, dims=-1)
    return (states * cos).add_(swapped.mul_(signed_sin))
