"""The innermost loop of a product: a few rows times one panel of a weight.

All sums stay in registers from the first number to the last. So each of them is taken in the same
order whatever rows stand beside it, and a row's outputs don't depend on them in any bit.

Source: GotoBLAS (Goto and van de Geijn, 2008); BLIS (Van Zee and van de Geijn, 2015) for the names.
"""

from typing import Any

from numba.core import cgutils, types
from numba.extending import intrinsic

from antiphon.models.cpu_kernels.arrays import Floats, Integers, Words
from antiphon.models.cpu_kernels.loops import loop
from antiphon.models.cpu_kernels.panel_code import PanelCode, panel_code
from antiphon.models.cpu_kernels.registers import (
    INDEX,
    LANES,
    REGISTERS,
    Sums,
    Value,
    each_case,
    load_number,
    row_of,
    splat,
    store,
)

PANEL = 2 * LANES  # outputs
MAX_ROWS = REGISTERS.max_rows


@loop
def multiply_panel(rows: Floats, panel: Floats | Words | Integers, output: Floats) -> None:
    """output = rows @ panel.

    rows    [at most MAX_ROWS, depth], each in one piece
    panel   as one of `panel_code` reads it
    output  [as many rows, PANEL], each in one piece
    """
    _multiply_panel(rows, panel, output)


@intrinsic
def _multiply_panel(_: Any, rows_kind: Any, panel_kind: Any, output_kind: Any) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ANN401
        rows, panel, output = (
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(signature.args, values, strict=True)
        )
        code = panel_code(panel_kind.dtype)
        for num_rows in each_case(builder, cgutils.unpack_tuple(builder, rows.shape)[0], MAX_ROWS):
            sums = _products(
                builder, [row_of(builder, rows, row) for row in range(num_rows)], panel, code
            )
            for index, total in enumerate(sums):
                target = row_of(builder, output, index // 2)
                store(builder, total, builder.gep(target, [INDEX(index % 2 * LANES)]))
        return context.get_dummy_value()

    return types.void(rows_kind, panel_kind, output_kind), generate


def _products(builder: Value, rows: list[Value], panel: Value, code: PanelCode) -> list[Value]:
    """Two registers of each row, one row after the other."""
    sums = Sums(builder, 2 * len(rows))
    num_steps = cgutils.unpack_tuple(builder, panel.shape)[0]
    with cgutils.for_range(builder, num_steps) as step:
        first = builder.mul(step.index, INDEX(code.num_inputs))
        for at, weights in enumerate(code.weights(builder, panel, step.index)):
            index = builder.add(first, INDEX(at))
            for row, numbers in enumerate(rows):
                number = splat(builder, load_number(builder, numbers, index))
                for half, weight in enumerate(weights):
                    sums.add_product(2 * row + half, number, weight)
    return sums.values()
