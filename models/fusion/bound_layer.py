"""A decoder layer for a few tokens on a CPU: its kernels in one call, without Python between them.

The kernels are those that the fused modules call one by one, and so are the numbers.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from antiphon.models.cpu_kernels.addition import add
from antiphon.models.cpu_kernels.arrays import Floats, as_rows
from antiphon.models.cpu_kernels.attention_merge import merge_parts
from antiphon.models.cpu_kernels.attention_parts import PART, attend_parts
from antiphon.models.cpu_kernels.bound_kernels import BoundKernel, BoundKernels
from antiphon.models.cpu_kernels.gated import gate
from antiphon.models.cpu_kernels.new_heads import Norm, place_heads
from antiphon.models.cpu_kernels.paged_attention import rules_of, sinks_of
from antiphon.models.cpu_kernels.rms_norm import add_rms_norm, rms_norm
from antiphon.models.fusion.activations import is_gelu_tanh, is_silu
from antiphon.models.fusion.attention_block import FusedAttention
from antiphon.models.fusion.decoder_layer import FusedDecoderLayer
from antiphon.models.fusion.gated_mlp import FusedGatedMlp
from antiphon.models.fusion.numba_kernels import norm_arguments
from antiphon.models.fusion.panel_linear import LaidOutLinear
from antiphon.models.fusion.pass_arrays import PassArrays, Passes
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
class Scratch:
    """What the parts of a layer write, each [num_tokens, ...]."""

    hidden: Floats
    normed: Floats
    heads: Floats
    query: Floats
    parts: tuple[Floats, Floats, Floats]
    attended: Floats
    update: Floats
    residual: Floats
    gate_up: Floats
    gated: Floats
    output: Floats

    @classmethod
    def of(
        cls, num_tokens: int, num_parts: int, heads: tuple[int, int, int], dims: tuple[int, int]
    ) -> Self:
        """heads: of queries, of keys, and their size. dims: of the model, and of its gates."""
        num_heads, num_kv_heads, head_dim = heads
        dim, gate_dim = dims

        def floats(*shape: int) -> Floats:
            return np.empty((num_tokens, *shape), np.float32)

        return cls(
            hidden=floats(dim),
            normed=floats(dim),
            heads=floats(num_heads + 2 * num_kv_heads, head_dim),
            query=floats(num_heads, head_dim),
            parts=(
                floats(num_parts, num_heads),
                floats(num_parts, num_heads),
                floats(num_parts, num_heads, head_dim),
            ),
            attended=floats(num_heads, head_dim),
            update=floats(dim),
            residual=floats(dim),
            gate_up=floats(2 * gate_dim),
            gated=floats(gate_dim),
            output=floats(dim),
        )


@dataclass(frozen=True, slots=True)
class Bound:
    """One layer's kernels, bound to the arrays of one shape of pass."""

    scratch: Scratch
    kernels: BoundKernels

    def run(self, hidden: Tensor) -> Tensor:
        self.scratch.hidden[:] = as_rows(hidden)
        self.kernels.run()
        return torch.from_numpy(self.scratch.output.copy()).view(hidden.shape)


class NumbaLayer:
    """Keeps the `BoundLayer` protocol."""

    def __init__(
        self,
        layer: FusedDecoderLayer,
        attention: FusedAttention,
        feed_forward: FusedGatedMlp,
        linears: Linears,
        passes: Passes,
    ) -> None:
        self._norms = layer.norms
        self._linears = linears
        self._attention = attention
        self._feed_forward = feed_forward
        self._passes = passes

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
        angles = position_embeddings if self._attention.is_rotary else None
        arrays = self._passes.of(batch, tables, angles)
        if self not in arrays.of_layers:
            arrays.of_layers[self] = self._bind(arrays)
        bound: Bound = arrays.of_layers[self]
        return bound.run(hidden_states)

    def _bind(self, arrays: PassArrays) -> Bound:
        scratch = self._scratch(arrays)
        kernels = [*self._attend(arrays, scratch), *self._feed_forward_of(scratch)]
        return Bound(scratch, BoundKernels(kernels))

    def _scratch(self, arrays: PassArrays) -> Scratch:
        """Shared by all layers of one size."""
        attention, mlp = self._attention, self._feed_forward
        kv = attention.layer.kv
        assert kv is not None, "the KV cache is bound before the first batch"
        num_parts = -(-arrays.max_num_blocks * kv.keys.blocks.shape[1] // PART)
        sizes = (
            (attention.num_heads, attention.num_kv_heads, attention.head_dim),
            (len(self._norms[0].weight), mlp.gate_dim),
        )
        if sizes not in arrays.of_layers:
            arrays.of_layers[sizes] = Scratch.of(arrays.num_tokens, num_parts, *sizes)
        scratch: Scratch = arrays.of_layers[sizes]
        return scratch

    def _attend(self, arrays: PassArrays, scratch: Scratch) -> list[BoundKernel]:
        attention = self._attention
        layer = attention.layer
        assert layer.kv is not None, "the KV cache is bound before the first batch"
        states = layer.kv.keys.blocks.numpy(), layer.kv.values.blocks.numpy()
        places = arrays.cosines, arrays.sines, arrays.slots
        rules, sinks = (
            rules_of(layer.visible, layer.scoring),
            sinks_of(layer.scoring, attention.num_heads),
        )
        query, parts = scratch.query, scratch.parts
        return [
            BoundKernel(rms_norm, scratch.hidden, *norm_arguments(self._norms[0]), scratch.normed),
            *self._linears.qkv.bind(scratch.normed, as_matrix(scratch.heads)),
            BoundKernel(
                place_heads,
                scratch.heads,
                self._bias(),
                *self._head_norms(),
                places,
                states,
                query,
            ),
            BoundKernel(attend_parts, query, states, arrays.tables, rules, parts),
            BoundKernel(merge_parts, parts, sinks, scratch.attended),
            *self._linears.output.bind(as_matrix(scratch.attended), scratch.update),
        ]

    def _feed_forward_of(self, scratch: Scratch) -> list[BoundKernel]:
        mlp = self._feed_forward
        hidden, update, residual = scratch.hidden, scratch.update, scratch.residual
        norm = norm_arguments(self._norms[1])
        return [
            BoundKernel(add_rms_norm, update, hidden, *norm, residual, scratch.normed),
            *self._linears.gate_up.bind(scratch.normed, scratch.gate_up),
            BoundKernel(gate, scratch.gate_up, is_gelu_tanh(mlp.activation), scratch.gated),
            *self._linears.down.bind(scratch.gated, update),
            BoundKernel(add, update, residual, scratch.output),
        ]

    def _bias(self) -> Floats:
        attention = self._attention
        bias = self._linears.qkv.bias
        if bias is None:
            return np.empty((0, attention.head_dim), np.float32)
        by_head: Floats = bias.numpy().reshape(-1, attention.head_dim)
        return by_head

    def _head_norms(self) -> tuple[Norm, Norm]:
        norms = self._attention.head_norms
        if norms is None:
            none = np.empty(0, np.float32), 0, 0.0
            return none, none
        return norm_arguments(norms[0]), norm_arguments(norms[1])


def bind_layers(model: nn.Module) -> None:
    """Let every decoder layer that is made of known parts run as one call."""
    passes = Passes()
    for layer in model.modules():
        if isinstance(layer, FusedDecoderLayer):
            layer.bound = _bound(layer, passes)


def _bound(layer: FusedDecoderLayer, passes: Passes) -> NumbaLayer | None:
    attention, mlp = layer.attention, layer.feed_forward
    if not isinstance(attention, FusedAttention) or not isinstance(mlp, FusedGatedMlp):
        return None
    if not is_silu(mlp.activation) and not is_gelu_tanh(mlp.activation):
        return None
    linears = Linears.of(attention, mlp)
    if linears is None:
        return None
    return NumbaLayer(layer, attention, mlp, linears, passes)


def as_matrix(states: Floats) -> Floats:
    """[num_tokens, heads, dim] -> [num_tokens, heads * dim], the same memory."""
    return states.reshape(len(states), -1)
