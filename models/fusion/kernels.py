"""What fused modules are made of; one implementation for each kind of device."""

from typing import TYPE_CHECKING, Protocol

from torch import Tensor, nn

if TYPE_CHECKING:
    from antiphon.models.fusion.rms_norm import RmsNorm


class Kernels(Protocol):
    """The operations of a decoder layer beside attention itself."""

    name: str

    def rms_norm(self, hidden: Tensor, norm: "RmsNorm") -> Tensor:
        """[..., dim] -> [..., dim]."""
        ...

    def add_rms_norm(
        self, update: Tensor, residual: Tensor, norm: "RmsNorm"
    ) -> tuple[Tensor, Tensor]:
        """The norm of update + residual, and that sum; all [..., dim]."""
        ...

    def rotate(self, states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Rotary embedding of the first `rotary_dim` dimensions, halves rotated.

        states    [b, s, heads, dim]
        cos, sin  [b, s, rotary_dim]
        Source: RoFormer (Su et al., 2021), in the layout of GPT-NeoX.
        """
        ...

    def gate(self, gate_up: Tensor, activation: nn.Module) -> Tensor:
        """activation(gate) * up of [..., 2 * dim], gate first."""
        ...
