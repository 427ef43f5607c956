"""What the parts of a decoder layer write on their way from its input to its output."""

from dataclasses import dataclass
from typing import Self
from weakref import WeakKeyDictionary

import numpy as np

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.product_rows import ProductRows
from antiphon.models.fusion.pass_arrays import PassArrays


@dataclass(frozen=True, slots=True)
class LayerSizes:
    """Of one decoder layer."""

    dim: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    gate_dim: int


@dataclass(frozen=True, slots=True)
class Scratch:
    """Arrays of float32, each [num_tokens, ...].

    hidden, output           what goes into the layer, and what comes out
    normed                   a norm's output, which products read
    heads                    queries, keys and values, of one product
    query, parts, attended   as attention's kernels write them
    update, residual         what a block adds, and what it is added to
    gate_up, gated           of the feed-forward block
    """

    hidden: Floats
    normed: ProductRows
    heads: Floats
    query: Floats
    parts: tuple[Floats, Floats, Floats]
    attended: ProductRows
    update: Floats
    residual: Floats
    gate_up: Floats
    gated: ProductRows
    output: Floats

    @classmethod
    def of(cls, num_tokens: int, num_parts: int, sizes: LayerSizes) -> Self:
        num_heads, head_dim = sizes.num_heads, sizes.head_dim

        def floats(*shape: int) -> Floats:
            return np.empty((num_tokens, *shape), np.float32)

        return cls(
            hidden=floats(sizes.dim),
            normed=ProductRows(floats(sizes.dim)),
            heads=floats(num_heads + 2 * sizes.num_kv_heads, head_dim),
            query=floats(num_heads, head_dim),
            parts=(
                floats(num_parts, num_heads),
                floats(num_parts, num_heads),
                floats(num_parts, num_heads, head_dim),
            ),
            attended=ProductRows(floats(num_heads * head_dim)),
            update=floats(sizes.dim),
            residual=floats(sizes.dim),
            gate_up=floats(2 * sizes.gate_dim),
            gated=ProductRows(floats(sizes.gate_dim)),
            output=floats(sizes.dim),
        )


class ScratchOfPasses:
    """One for all layers of a size, as long as the arrays of the pass are remembered."""

    def __init__(self) -> None:
        self._by_pass: WeakKeyDictionary[PassArrays, dict[LayerSizes, Scratch]] = (
            WeakKeyDictionary()
        )

    def of(self, arrays: PassArrays, num_parts: int, sizes: LayerSizes) -> Scratch:
        by_sizes = self._by_pass.setdefault(arrays, {})
        if sizes not in by_sizes:
            by_sizes[sizes] = Scratch.of(arrays.shape.num_tokens, num_parts, sizes)
        return by_sizes[sizes]
