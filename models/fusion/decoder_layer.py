"""A whole decoder layer of the shape that Llama has, its residual sums fused with the norms."""

from typing import Any

from torch import Tensor, nn

from antiphon.models.fusion.kernels import Kernels
from antiphon.models.fusion.recording import Call, agrees
from antiphon.models.fusion.rms_norm import FusedRmsNorm


class FusedDecoderLayer(nn.Module):
    """x + attention(norm(x)), then the same with the feed-forward block: "pre-norm".

    The two blocks are the layer's own or fused ones.
    """

    def __init__(
        self,
        attention: nn.Module,
        feed_forward: nn.Module,
        norms: tuple[FusedRmsNorm, FusedRmsNorm],
        kernels: Kernels,
    ) -> None:
        super().__init__()
        self._attention = attention
        self._feed_forward = feed_forward
        self._first_norm, self._second_norm = (norm.norm for norm in norms)
        self._kernels = kernels

    def forward(self, hidden_states: Tensor, *arguments: Any, **keywords: Any) -> Tensor:  # noqa: ANN401
        normed = self._kernels.rms_norm(hidden_states, self._first_norm)
        attended = self._attention.forward(normed, *arguments, **keywords)[0]
        normed, residual = self._kernels.add_rms_norm(attended, hidden_states, self._second_norm)
        updated: Tensor = self._feed_forward.forward(normed)
        return updated + residual


def match_decoder_layer(
    module: nn.Module, call: Call, kernels: Kernels
) -> FusedDecoderLayer | None:
    """None for a layer that is put together otherwise."""
    norms = (
        getattr(module, "input_layernorm", None),
        getattr(module, "post_attention_layernorm", None),
    )
    attention, feed_forward = getattr(module, "self_attn", None), getattr(module, "mlp", None)
    if not isinstance(norms[0], FusedRmsNorm) or not isinstance(norms[1], FusedRmsNorm):
        return None
    if not isinstance(attention, nn.Module) or not isinstance(feed_forward, nn.Module):
        return None
    candidate = FusedDecoderLayer(attention, feed_forward, (norms[0], norms[1]), kernels)
    return candidate if isinstance(call.output, Tensor) and agrees(candidate, call) else None
