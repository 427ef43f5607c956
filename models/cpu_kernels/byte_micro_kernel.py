"""The innermost loop of a product of bytes: rows of 16 bits times one panel of 8-bit weights.

A number of a row is two bytes, both made unsigned: x86 multiplies unsigned bytes by signed ones and
adds four such products to a 32-bit sum at once (VNNI). Sums of integers are exact.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from antiphon.models.cpu_kernels.arrays import Floats, Integers, Words
from antiphon.models.cpu_kernels.loops import loop
from antiphon.models.cpu_kernels.panel_code import byte_words
from antiphon.models.cpu_kernels.registers import (
    FLOATS,
    INDEX,
    LANES,
    REGISTERS,
    WORD,
    WORDS,
    Sums,
    Value,
    as_is,
    each_case,
    load,
    load_number,
    multiply_add,
    row_of,
    splat,
    store,
)

MAX_ROWS = REGISTERS.max_rows // 2  # as each takes the sums of two bytes
OFFSET = 128  # what makes a signed byte an unsigned one
UPPER = 256.0  # what an upper byte is worth


@loop
def multiply_bytes(
    rows: Words,
    panel: Integers,
    offsets: Integers,
    row_scales: Floats,
    scales: Floats,
    output: Floats,
) -> None:
    """output = rows @ panel.

    rows        [2 * as many rows as MAX_ROWS at most, depth / 4] words of four bytes: a row's
                upper bytes plus OFFSET, then its lower ones
    panel       as a `BytePanel`
    offsets     [PANEL], OFFSET times the sum of each output's weights
    row_scales  what one step of a row's 16 bits is worth
    scales      [PANEL], what one step of each output's 8 bits is worth
    output      [as many rows, PANEL], each in one piece
    """
    _multiply_bytes(rows, panel, offsets, row_scales, scales, output)


@intrinsic
def _multiply_bytes(
    _: Any,  # noqa: ANN401
    rows: Any,  # noqa: ANN401
    panel: Any,  # noqa: ANN401
    offsets: Any,  # noqa: ANN401
    row_scales: Any,  # noqa: ANN401
    scales: Any,  # noqa: ANN401
    output: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ANN401
        row_array, panel_array, offset_array, row_scale_array, scale_array, output_array = (
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(signature.args, values, strict=True)
        )
        (count,) = cgutils.unpack_tuple(builder, row_scale_array.shape)
        for num_rows in each_case(builder, count, MAX_ROWS):
            bytes_of_rows = [row_of(builder, row_array, at, WORD) for at in range(2 * num_rows)]
            sums = _dots(builder, bytes_of_rows, panel_array)
            for index in range(2 * num_rows):
                row, half = divmod(index, 2)
                upper, lower = sums[4 * row + half], sums[4 * row + 2 + half]
                at = [INDEX(half * LANES)]
                offset = load(builder, builder.gep(offset_array.data, at), WORDS)
                scale = load(builder, builder.gep(scale_array.data, at))
                row_scale = splat(builder, load_number(builder, row_scale_array.data, INDEX(row)))
                total = _join(builder, builder.sub(upper, offset), lower)
                scaled = as_is(builder, builder.fmul(total, scale))
                store(
                    builder,
                    builder.fmul(scaled, row_scale),
                    builder.gep(row_of(builder, output_array, row), at),
                )
        return context.get_dummy_value()

    return types.void(rows, panel, offsets, row_scales, scales, output), generate


def _dots(builder: Value, rows: list[Value], panel: Value) -> list[Value]:
    """Two registers of words of each of `rows`."""
    sums = Sums(builder, 2 * len(rows), WORDS)
    num_steps = cgutils.unpack_tuple(builder, panel.shape)[0]
    with cgutils.for_range(builder, num_steps) as step:
        weights = byte_words(builder, panel, step.index)
        for at, row in enumerate(rows):
            numbers = splat(builder, load_number(builder, row, step.index))
            for half, weight in enumerate(weights):
                sums.add_dots(2 * at + half, numbers, weight)
    return sums.values()


def _join(builder: Value, upper: Value, lower: Value) -> Value:
    upper, lower = (builder.sitofp(part, FLOATS) for part in (upper, lower))
    factor = ir.Constant(FLOATS, [UPPER] * LANES)
    return as_is(builder, multiply_add(builder, upper, factor, lower))
