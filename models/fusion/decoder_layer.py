"""A whole decoder layer of the shape that Llama has, its residual sums fused with the norms."""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from antiphon.models.fusion.kernels import Kernels
from antiphon.models.fusion.recording import Call, agrees
from antiphon.models.fusion.rms_norm import FusedRmsNorm


class BoundLayer(Protocol):
    """A decoder layer whose arrays are known beforehand."""

    def __call__(self, hidden_states: Tensor, **keywords: Any) -> Tensor | None:  # noqa: ANN401
        """None for a pass that it wasn't made for."""
        ...


class FusedDecoderLayer(nn.Module):
    """x + attention(norm(x)), then the same with the feed-forward block: "pre-norm".

    The two blocks are the layer's own or fused ones.

    norms        of the input, and of attention's sum with it.
    bound        computes the whole layer in another way, where it can; None at first.
    wanted_rows  which tokens' outputs anybody reads, None for all: the last layer of a network is
                 asked for few of a prompt's. The others are zeros then.
    """

    def __init__(
        self,
        attention: nn.Module,
        feed_forward: nn.Module,
        norms: tuple[FusedRmsNorm, FusedRmsNorm],
        kernels: Kernels,
    ) -> None:
        super().__init__()
        self.attention = attention
        self.feed_forward = feed_forward
        self.norms = norms[0].norm, norms[1].norm
        self.bound: BoundLayer | None = None
        self.wanted_rows: Callable[[], Tensor | None] = _all_rows
        self._kernels = kernels

    def forward(self, hidden_states: Tensor, *arguments: Any, **keywords: Any) -> Tensor:  # noqa: ANN401
        if self.bound is not None and not arguments:
            output = self.bound(hidden_states, **keywords)
            if output is not None:
                return output
        normed = self._kernels.rms_norm(hidden_states, self.norms[0])
        attended = self.attention.forward(normed, *arguments, **keywords)[0]
        rows = self.wanted_rows()
        if rows is None:
            return self._feed_forward(attended, hidden_states)
        wanted = torch.zeros_like(hidden_states)
        wanted[:, rows] = self._feed_forward(attended[:, rows], hidden_states[:, rows])
        return wanted

    def _feed_forward(self, attended: Tensor, hidden_states: Tensor) -> Tensor:
        normed, residual = self._kernels.add_rms_norm(attended, hidden_states, self.norms[1])
        updated: Tensor = self.feed_forward.forward(normed)
        return updated + residual


def _all_rows() -> None:
    return None


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
