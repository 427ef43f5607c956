"""The gated feed-forward block: one product for gate and up, one for down."""

from torch import Tensor, nn

from antiphon.models.fusion.kernels import Kernels
from antiphon.models.fusion.packed_linear import stack_linears
from antiphon.models.fusion.recording import Call, agrees


class FusedGatedMlp(nn.Module):
    """down(activation(gate(x)) * up(x)).

    Source: Shazeer, 2020, "GLU variants improve Transformer".
    """

    def __init__(
        self,
        gate: nn.Linear,
        up: nn.Linear,
        down: nn.Linear,
        activation: nn.Module,
        kernels: Kernels,
    ) -> None:
        super().__init__()
        self.gate_dim = gate.out_features
        self.gate_up = stack_linears([gate, up])
        self.down = down
        self.activation = activation
        self._kernels = kernels

    def forward(self, hidden_states: Tensor) -> Tensor:
        gated = self._kernels.gate(self.gate_up(hidden_states), self.activation)
        output: Tensor = self.down(gated)
        return output


def match_gated_mlp(module: nn.Module, call: Call, kernels: Kernels) -> FusedGatedMlp | None:
    """None for a block of another shape."""
    parts = [getattr(module, name, None) for name in ("gate_proj", "up_proj", "down_proj")]
    activation = getattr(module, "act_fn", None)
    if not all(type(part) is nn.Linear for part in parts) or not isinstance(activation, nn.Module):
        return None
    gate, up, down = parts
    assert isinstance(gate, nn.Linear)
    assert isinstance(up, nn.Linear)
    assert isinstance(down, nn.Linear)
    if gate.weight.shape != up.weight.shape or down.in_features != gate.out_features:
        return None
    fused = FusedGatedMlp(gate, up, down, activation, kernels)
    return fused if agrees(fused, call) else None
