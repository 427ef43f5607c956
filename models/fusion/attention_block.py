"""A decoder layer's attention block, with one product for queries, keys and values."""

from typing import Any

import torch
from torch import Tensor, nn

from antiphon.models.attention import LayerAttention
from antiphon.models.fusion.kernels import Kernels
from antiphon.models.fusion.packed_linear import stack_linears
from antiphon.models.fusion.recording import Call, agrees
from antiphon.models.fusion.rms_norm import FusedRmsNorm, RmsNorm

OUTPUT_NAMES = ("o_proj", "out_proj", "dense")


class FusedAttention(nn.Module):
    """Queries, keys and values of one product; optional norms of each head; rotary embedding.

    layer       the paged attention that was bound to the block; it knows the shapes of its heads.
    head_norms  of queries and keys, each over one head (Qwen 3).
    is_rotary   False in layers without positions (SmolLM 3).
    """

    def __init__(
        self,
        projections: list[nn.Linear],
        output: nn.Linear,
        layer: LayerAttention,
        head_norms: tuple[RmsNorm, RmsNorm] | None,
        kernels: Kernels,
        *,
        is_rotary: bool,
    ) -> None:
        super().__init__()
        spec = layer.spec
        assert spec is not None, "the layer has attended during a probe"
        self.num_heads = projections[0].out_features // spec.key_dim
        self.num_kv_heads = spec.num_kv_heads
        self.head_dim = spec.key_dim
        self.qkv = stack_linears(projections)
        self.output = output
        self.layer = layer
        self.head_norms = head_norms
        self._kernels = kernels
        self.is_rotary = is_rotary

    def forward(
        self,
        hidden_states: Tensor,
        position_embeddings: tuple[Tensor, Tensor] | None = None,
        **_: object,
    ) -> tuple[Tensor, None]:
        num_rotated = self.num_heads + self.num_kv_heads
        shape = (*hidden_states.shape[:-1], num_rotated + self.num_kv_heads, self.head_dim)
        states = self.qkv(hidden_states).view(shape)
        rotated, value = states.split((num_rotated, self.num_kv_heads), dim=2)
        if self.head_norms is not None:
            rotated = self._normed(rotated, *self.head_norms)
        if self.is_rotary:
            assert position_embeddings is not None, "the model makes them"
            rotated = self._kernels.rotate(rotated, *position_embeddings)
        query, key = rotated.transpose(1, 2).split((self.num_heads, self.num_kv_heads), dim=1)
        attended = self.layer.attend(query, key, value.transpose(1, 2))
        return self.output(attended.flatten(2)), None

    def _normed(self, rotated: Tensor, query_norm: RmsNorm, key_norm: RmsNorm) -> Tensor:
        query, key = rotated.split((self.num_heads, self.num_kv_heads), dim=2)
        return torch.cat(
            [self._kernels.rms_norm(query, query_norm), self._kernels.rms_norm(key, key_norm)],
            dim=2,
        )


def match_attention(module: nn.Module, call: Call, kernels: Kernels) -> FusedAttention | None:
    """The fused block that gives what the module gave; None for every other kind of attention."""
    layer = getattr(module, "antiphon_attention", None)
    projections = [getattr(module, name, None) for name in ("q_proj", "k_proj", "v_proj")]
    output = next((getattr(module, name) for name in OUTPUT_NAMES if hasattr(module, name)), None)
    if not isinstance(layer, LayerAttention) or layer.spec is None:
        return None
    if not all(type(part) is nn.Linear for part in (*projections, output)):
        return None
    if layer.spec.key_dim != layer.spec.value_dim:
        return None
    norms = _head_norms(module)
    has_positions = call.keywords.get("position_embeddings") is not None
    for is_rotary in (True, False) if has_positions else (False,):
        arguments: list[Any] = [projections, output, layer, norms, kernels]
        candidate = FusedAttention(*arguments, is_rotary=is_rotary)
        if agrees(candidate, call):
            return candidate
    return None


def _head_norms(module: nn.Module) -> tuple[RmsNorm, RmsNorm] | None:
    """Already recognised ones, if the block has them."""
    query_norm, key_norm = getattr(module, "q_norm", None), getattr(module, "k_norm", None)
    if isinstance(query_norm, FusedRmsNorm) and isinstance(key_norm, FusedRmsNorm):
        return query_norm.norm, key_norm.norm
    return None
