"""How weights come from a panel into registers: code for each kind of numbers.

A panel's outputs fill two registers, lower half first.
"""

from typing import Protocol

from numba.core import types

from antiphon.models.cpu_kernels.prefetch import prefetch_address
from antiphon.models.cpu_kernels.registers import (
    FLOATS,
    INDEX,
    LANES,
    WORDS,
    Value,
    load,
    words,
)

LINE = 16  # words of 32 bits in 64 bytes
BYTES_AHEAD = 3072  # that are on their way from memory while others are multiplied

Halves = list[Value]


class PanelCode(Protocol):
    """num_inputs  whose weights one step loads."""

    num_inputs: int

    def weights(self, builder: Value, panel: Value, step: Value) -> list[Halves]:
        """Of each input, in float32."""
        ...


class WidePanel:
    """[depth, PANEL] float32."""

    num_inputs = 1

    def weights(self, builder: Value, panel: Value, step: Value) -> list[Halves]:
        place = step_place(builder, panel, step, 2 * LANES)
        return [[load(builder, builder.gep(place, [INDEX(at)])) for at in (0, LANES)]]


class HalvedPanel:
    """[depth, LANES] words of two bfloat16 numbers, those of the lower half in the lower bits."""

    num_inputs = 1

    def weights(self, builder: Value, panel: Value, step: Value) -> list[Halves]:
        pairs = load(builder, step_place(builder, panel, step, LANES), WORDS)
        lower = builder.shl(pairs, words(16))
        upper = builder.and_(pairs, words(0xFFFF0000))
        return [[builder.bitcast(half, FLOATS) for half in (lower, upper)]]


class BytePanel:
    """[depth / 4, PANEL] words of four inputs' signed bytes, the first in the lowest bits."""

    num_inputs = 4

    def weights(self, builder: Value, panel: Value, step: Value) -> list[Halves]:
        fours = byte_words(builder, panel, step)
        return [[self._byte(builder, four, at) for four in fours] for at in range(4)]

    def _byte(self, builder: Value, four: Value, at: int) -> Value:
        at_the_top = builder.shl(four, words(24 - 8 * at))
        return builder.sitofp(builder.ashr(at_the_top, words(24)), FLOATS)


def panel_code(kind: types.Type) -> PanelCode:
    """By the type of a panel's numbers."""
    codes: dict[types.Type, PanelCode] = {
        types.float32: WidePanel(),
        types.uint32: HalvedPanel(),
        types.int32: BytePanel(),
    }
    return codes[kind]


def byte_words(builder: Value, panel: Value, step: Value) -> Halves:
    """Four inputs of a `BytePanel`, as they are."""
    place = step_place(builder, panel, step, 2 * LANES)
    return [load(builder, builder.gep(place, [INDEX(at)]), WORDS) for at in (0, LANES)]


def step_place(builder: Value, panel: Value, step: Value, width: int) -> Value:
    """The address of a step's weights. Those of a later one are asked for."""
    place = builder.gep(panel.data, [builder.mul(step, INDEX(width))])
    ahead = BYTES_AHEAD // (4 * width) * width
    for line in range(0, width, LINE):
        prefetch_address(builder, builder.gep(place, [INDEX(ahead + line)]))
    return place
