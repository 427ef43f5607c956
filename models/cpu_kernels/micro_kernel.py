"""The innermost loop of a product: a few rows times one panel of a weight.

All sums stay in registers from the first number to the last. So each of them is taken in the same
order whatever rows stand beside it, and a row's outputs don't depend on them in any bit.

Source: GotoBLAS (Goto and van de Geijn, 2008); BLIS (Van Zee and van de Geijn, 2015) for the names.
"""

from dataclasses import dataclass
from typing import Any

from numba.core import cgutils, types
from numba.extending import intrinsic

from antiphon.models.cpu_kernels.arrays import Floats, Words
from antiphon.models.cpu_kernels.loops import loop
from antiphon.models.cpu_kernels.prefetch import prefetch_address
from antiphon.models.cpu_kernels.registers import (
    FLOATS,
    INDEX,
    LANES,
    REGISTERS,
    WORDS,
    Sums,
    Value,
    each_case,
    load,
    row_of,
    splat,
    store,
    words,
)

PANEL = 2 * LANES  # outputs
MAX_ROWS = REGISTERS.max_rows
AHEAD = 48  # inputs whose weights are on their way from memory while one is multiplied


@loop
def multiply_panel(rows: Floats, panel: Floats | Words, output: Floats) -> None:
    """output = rows @ panel.

    rows    [at most MAX_ROWS, depth], each in one piece
    panel   [depth, PANEL] float32; or [depth, LANES] words of two bfloat16 numbers, the first LANES
            of the outputs in the lower halves
    output  [as many rows, PANEL], each in one piece
    """
    _multiply_panel(rows, panel, output)


@intrinsic
def _multiply_panel(_: Any, rows_kind: Any, panel: Any, output_kind: Any) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ANN401
        rows, weights, output = (
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(signature.args, values, strict=True)
        )
        tile = _Tile(builder, rows, weights, output, panel.dtype == types.uint32)
        for num_rows in each_case(builder, cgutils.unpack_tuple(builder, rows.shape)[0], MAX_ROWS):
            tile.multiply(num_rows)
        return context.get_dummy_value()

    return types.void(rows_kind, panel, output_kind), generate


@dataclass(frozen=True, slots=True)
class _Tile:
    """Code for one number of rows."""

    builder: Value
    rows: Value
    panel: Value
    output: Value
    is_halved: bool

    def multiply(self, num_rows: int) -> None:
        builder = self.builder
        sums = Sums(builder, 2 * num_rows)
        rows = [row_of(builder, self.rows, row) for row in range(num_rows)]
        depth = cgutils.unpack_tuple(builder, self.rows.shape)[1]
        with cgutils.for_range(builder, depth) as step:
            weights = self._weights(step.index)
            for at, row in enumerate(rows):
                number = splat(builder, builder.load(builder.gep(row, [step.index])))
                for half, weight in enumerate(weights):
                    sums.add_product(2 * at + half, number, weight)
        for index, total in enumerate(sums.values()):
            target = row_of(builder, self.output, index // 2)
            store(builder, total, builder.gep(target, [INDEX(index % 2 * LANES)]))

    def _weights(self, step: Value) -> list[Value]:
        """Of one input: both halves of the panel."""
        builder = self.builder
        width = LANES if self.is_halved else PANEL
        place = builder.gep(self.panel.data, [builder.mul(step, step.type(width))])
        for line in range(0, width, 16):
            prefetch_address(builder, builder.gep(place, [step.type(AHEAD * width + line)]))
        if not self.is_halved:
            return [load(builder, builder.gep(place, [step.type(at)])) for at in (0, LANES)]
        pairs = load(builder, place, WORDS)
        lower = builder.shl(pairs, words(16))
        upper = builder.and_(pairs, words(0xFFFF0000))
        return [builder.bitcast(half, FLOATS) for half in (lower, upper)]
