"""RMSNorm, recognised by what it computes."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from antiphon.models.fusion.kernels import Kernels
from antiphon.models.fusion.recording import Call, agrees

EPSILON_NAMES = ("variance_epsilon", "eps", "epsilon", "norm_eps")


@dataclass(frozen=True, slots=True)
class RmsNorm:
    """x / rms(x) * weight over the last dimension.

    weight            [dim], the module's own.
    offset            0, or 1 where the module multiplies by 1 + weight (Gemma).
    epsilon_as_tensor  the same number where operations on tensors want it: a number costs them more
                       to take than the operation itself.
    Source: Zhang and Sennrich, 2019, "Root mean square layer normalization".
    """

    weight: Tensor
    epsilon: float
    offset: int
    epsilon_as_tensor: Tensor

    @classmethod
    def of(cls, weight: Tensor, epsilon: float, offset: int) -> "RmsNorm":
        return cls(weight.detach(), epsilon, offset, torch.tensor(epsilon, device=weight.device))


class FusedRmsNorm(nn.Module):
    """Stands where the model's own norm stood."""

    def __init__(self, norm: RmsNorm, kernels: Kernels) -> None:
        super().__init__()
        self.norm = norm
        self._kernels = kernels

    def forward(self, hidden_states: Tensor) -> Tensor:
        return self._kernels.rms_norm(hidden_states, self.norm)


def match_rms_norm(module: nn.Module, call: Call, kernels: Kernels) -> FusedRmsNorm | None:
    """The fused norm that gives what the module gave; None for every other kind of norm."""
    weight = getattr(module, "weight", None)
    epsilon = next(
        (value for name in EPSILON_NAMES if (value := getattr(module, name, None)) is not None),
        None,
    )
    if not isinstance(weight, Tensor) or weight.dim() != 1 or not isinstance(epsilon, float):
        return None
    for offset in (0, 1):
        candidate = FusedRmsNorm(RmsNorm.of(weight, epsilon, offset), kernels)
        if agrees(candidate, call):
            return candidate
    return None
