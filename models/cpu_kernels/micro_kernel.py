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
    FLOAT,
    FLOATS,
    INDEX,
    LANES,
    REGISTERS,
    WORDS,
    Value,
    load,
    multiply_add,
    splat,
    store,
    words,
    zeros,
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
        end = builder.append_basic_block("end")
        cases = builder.switch(cgutils.unpack_tuple(builder, tile.rows.shape)[0], end)
        for num_rows in range(1, MAX_ROWS + 1):
            block = builder.append_basic_block(f"rows{num_rows}")
            cases.add_case(INDEX(num_rows), block)
            builder.position_at_end(block)
            tile.multiply(num_rows)
            builder.branch(end)
        builder.position_at_end(end)
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
        sums = [
            [cgutils.alloca_once_value(builder, zeros()) for _ in range(2)] for _ in range(num_rows)
        ]
        for pair in sums:
            for total in pair:
                builder.store(zeros(), total)
        rows = [self._row(self.rows, row) for row in range(num_rows)]
        depth = cgutils.unpack_tuple(builder, self.rows.shape)[1]
        with cgutils.for_range(builder, depth) as step:
            weights = self._weights(step.index)
            for row, pair in zip(rows, sums, strict=True):
                number = splat(builder, builder.load(builder.gep(row, [step.index])))
                for weight, total in zip(weights, pair, strict=True):
                    builder.store(multiply_add(builder, number, weight, builder.load(total)), total)
        for row, pair in enumerate(sums):
            target = self._row(self.output, row)
            for half, total in enumerate(pair):
                place = builder.gep(target, [INDEX(half * LANES)])
                store(builder, builder.load(total), place)

    def _row(self, array: Value, row: int) -> Value:
        """The address of its first number."""
        stride = cgutils.unpack_tuple(self.builder, array.strides)[0]
        offset = self.builder.mul(stride, stride.type(row))
        return cgutils.pointer_add(self.builder, array.data, offset, FLOAT.as_pointer())

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
