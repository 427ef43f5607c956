"""A decoder layer for a few tokens on a CPU: its kernels in one call, without Python between them.

It computes what the fused modules compute by a call for each kernel, to the last bit.
"""

from dataclasses import dataclass
from typing import Self
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from antiphon.models.cpu_kernels.addition import add
from antiphon.models.cpu_kernels.arrays import Floats, as_rows
from antiphon.models.cpu_kernels.attention_merge import merge_parts
from antiphon.models.cpu_kernels.attention_parts import PART, attend_parts
from antiphon.models.cpu_kernels.bound_kernels import BoundKernel, BoundKernels
from antiphon.models.cpu_kernels.gated import gate
from antiphon.models.cpu_kernels.head_places import Norm, place_heads
from antiphon.models.cpu_kernels.paged_attention import rules_of, sinks_of
from antiphon.models.cpu_kernels.rms_norm import add_rms_norm, rms_norm
from antiphon.models.fusion.activations import is_gelu_tanh, is_silu
from antiphon.models.fusion.attention_block import FusedAttention
from antiphon.models.fusion.decoder_layer import FusedDecoderLayer
from antiphon.models.fusion.gated_mlp import FusedGatedMlp
from antiphon.models.fusion.layer_scratch import LayerSizes, Scratch, ScratchOfPasses
from antiphon.models.fusion.numba_kernels import norm_arguments
from antiphon.models.fusion.panel_linear import LaidOutLinear
from antiphon.models.fusion.pass_arrays import MAX_TOKENS, PassArrays, Passes
from antiphon.models.numba_attention import MAX_QUERY_LEN


@dataclass(frozen=True, slots=True)
class Linears:
    """Of one layer, as they were laid out."""

    qkv: LaidOutLinear
    output: LaidOutLinear
    gate_up: LaidOutLinear
    down: LaidOutLinear

    @classmethod
    def of(cls, attention: FusedAttention, feed_forward: FusedGatedMlp) -> Self | None:
        """None where one of them is of another kind, or has a bias that no kernel adds."""
        linears: list[nn.Module] = [
            attention.qkv,
            attention.output,
            feed_forward.gate_up,
            feed_forward.down,
        ]
        laid_out = [linear for linear in linears if isinstance(linear, LaidOutLinear)]
        if len(laid_out) < len(linears) or any(linear.bias is not None for linear in laid_out[1:]):
            return None
        return cls(*laid_out)


@dataclass(frozen=True, slots=True)
class Bound:
    """One layer's kernels, bound to the arrays of one shape of pass."""

    scratch: Scratch
    kernels: BoundKernels

    def run(self, hidden: Tensor) -> Tensor:
        rows, own_rows = as_rows(hidden), self.scratch.hidden
        own_rows[: len(rows)] = rows
        own_rows[len(rows) :] = 0  # what an earlier pass left may be no numbers
        self.kernels.run()
        return torch.from_numpy(self.scratch.output[: len(rows)].copy()).view(hidden.shape)


class NumbaLayer:
    """Keeps the `BoundLayer` protocol.

    attention, feed_forward, linears  of `layer`.
    passes, scratch                   shared by the layers of a network.
    """

    def __init__(
        self,
        layer: FusedDecoderLayer,
        attention: FusedAttention,
        feed_forward: FusedGatedMlp,
        linears: Linears,
        passes: Passes,
        scratch: ScratchOfPasses,
    ) -> None:
        self._norms = layer.norms
        self._attention = attention
        self._feed_forward = feed_forward
        self._linears = linears
        self._passes = passes
        self._scratch = scratch
        self._bound: WeakKeyDictionary[PassArrays, Bound] = WeakKeyDictionary()

    def __call__(
        self,
        hidden_states: Tensor,
        position_embeddings: tuple[Tensor, Tensor] | None = None,
        **_: object,
    ) -> Tensor | None:
        batch = self._attention.layer.batch
        if batch is None or not self._attention.layer.stores:
            return None
        tables = batch.tables
        if tables is None or tables.max_query_len > MAX_QUERY_LEN:
            return None
        if not 0 < len(batch.slot_mapping) <= MAX_TOKENS:
            return None
        if self._attention.is_rotary and position_embeddings is None:
            return None
        angles = position_embeddings if self._attention.is_rotary else None
        arrays = self._passes.of(batch, tables, angles)
        bound = self._bound.get(arrays)
        if bound is None:
            bound = self._bound[arrays] = self._bind(arrays)
        return bound.run(hidden_states)

    def _bind(self, arrays: PassArrays) -> Bound:
        attention, mlp = self._attention, self._feed_forward
        keys, _ = self._states()
        num_parts = -(-arrays.shape.max_num_blocks * keys.shape[1] // PART)
        sizes = LayerSizes(
            dim=len(self._norms[0].weight),
            num_heads=attention.num_heads,
            num_kv_heads=attention.num_kv_heads,
            head_dim=attention.head_dim,
            gate_dim=mlp.gate_dim,
        )
        scratch = self._scratch.of(arrays, num_parts, sizes)
        kernels = [*self._attend(arrays, scratch), *self._feed(scratch)]
        return Bound(scratch, BoundKernels(kernels))

    def _attend(self, arrays: PassArrays, scratch: Scratch) -> list[BoundKernel]:
        layer, linears, states = self._attention.layer, self._linears, self._states()
        num_tokens, num_heads, _ = scratch.query.shape
        places = arrays.cosines, arrays.sines, arrays.slots
        rules, sinks = rules_of(layer.visible, layer.scoring), sinks_of(layer.scoring, num_heads)
        heads, query, parts, attended = (
            scratch.heads,
            scratch.query,
            scratch.parts,
            scratch.attended.floats,
        )
        placing = heads, self._bias(), *self._head_norms(), places, states, query
        norm = norm_arguments(self._norms[0])
        return [
            BoundKernel(rms_norm, scratch.hidden, *norm, scratch.normed.floats),
            *linears.qkv.bind(scratch.normed, heads.reshape(num_tokens, -1)),
            BoundKernel(place_heads, *placing),
            BoundKernel(attend_parts, query, states, arrays.tables, rules, parts),
            BoundKernel(merge_parts, parts, sinks, attended.reshape(query.shape)),
            *linears.output.bind(scratch.attended, scratch.update),
        ]

    def _feed(self, scratch: Scratch) -> list[BoundKernel]:
        mlp, linears = self._feed_forward, self._linears
        hidden, update, residual = scratch.hidden, scratch.update, scratch.residual
        normed, gated = scratch.normed, scratch.gated
        norm = norm_arguments(self._norms[1])
        return [
            BoundKernel(add_rms_norm, update, hidden, *norm, residual, normed.floats),
            *linears.gate_up.bind(normed, scratch.gate_up),
            BoundKernel(gate, scratch.gate_up, is_gelu_tanh(mlp.activation), gated.floats),
            *linears.down.bind(gated, update),
            BoundKernel(add, update, residual, scratch.output),
        ]

    def _states(self) -> tuple[Floats, Floats]:
        kv = self._attention.layer.kv
        assert kv is not None, "layers are bound once there is a KV cache"
        return kv.keys.blocks.numpy(), kv.values.blocks.numpy()

    def _bias(self) -> Floats:
        bias, head_dim = self._linears.qkv.bias, self._attention.head_dim
        if bias is None:
            return np.empty((0, head_dim), np.float32)
        by_head: Floats = bias.numpy().reshape(-1, head_dim)
        return by_head

    def _head_norms(self) -> tuple[Norm, Norm]:
        norms = self._attention.head_norms
        if norms is None:
            none = np.empty(0, np.float32), 0, 0.0
            return none, none
        return norm_arguments(norms[0]), norm_arguments(norms[1])


def bind_decoder_layers(model: nn.Module) -> None:
    """Let every decoder layer that is made of known parts run as one call."""
    passes, scratch = Passes(), ScratchOfPasses()
    for layer in model.modules():
        if isinstance(layer, FusedDecoderLayer):
            layer.bound = _bound(layer, passes, scratch)


def _bound(layer: FusedDecoderLayer, passes: Passes, scratch: ScratchOfPasses) -> NumbaLayer | None:
    attention, mlp = layer.attention, layer.feed_forward
    if not isinstance(attention, FusedAttention) or not isinstance(mlp, FusedGatedMlp):
        return None
    if not is_silu(mlp.activation) and not is_gelu_tanh(mlp.activation):
        return None
    linears = Linears.of(attention, mlp)
    if linears is None:
        return None
    return NumbaLayer(layer, attention, mlp, linears, passes, scratch)
