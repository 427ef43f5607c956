"""The weighted values of a paged cache: a few heads at a time, sums in registers."""

from typing import Any

import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.attention_scores import MAX_HEADS
from antiphon.models.cpu_kernels.cache_rows import Rows, head_offset, number_at
from antiphon.models.cpu_kernels.loops import loop
from antiphon.models.cpu_kernels.registers import (
    INDEX,
    LANES,
    Sums,
    Value,
    each_case,
    load,
    row_of,
    splat,
    store,
)

MANY = 4 if LANES == 16 else 2  # registers of each head's sums


@loop
def add_values(weights: Floats, values: Floats, value_rows: Rows, sums: Floats) -> None:
    """sums[head] = the weighted values at `value_rows`.

    weights  [heads, num_keys]
    values   [num_blocks, block_size, num_kv_heads, value_dim]
    sums     [heads, value_dim]
    """
    num_kv_heads = values.shape[2]
    num_shared = len(weights) // num_kv_heads
    num_groups = (num_shared + MAX_HEADS - 1) // MAX_HEADS
    for kv_head in range(num_kv_heads):
        first, offset = kv_head * num_shared, head_offset(values, kv_head)
        for group in range(num_groups):
            head = first + num_shared * group // num_groups
            end = first + num_shared * (group + 1) // num_groups
            _add_to_heads(weights[head:end], values, value_rows, offset, sums[head:end])


@loop
def _add_to_heads(weights: Floats, values: Floats, rows: Rows, offset: int, sums: Floats) -> None:
    dim, start = sums.shape[1], 0
    while start + MANY * LANES <= dim:
        _add_registers(weights, values, rows, offset + start, sums[:, start:], MANY)
        start += MANY * LANES
    while start + LANES <= dim:
        _add_registers(weights, values, rows, offset + start, sums[:, start:], 1)
        start += LANES
    for index in range(start, dim):
        for head in range(len(weights)):
            total = np.float32(0)
            for key in range(weights.shape[1]):
                total += weights[head, key] * number_at(values, rows[key] + offset + index)
            sums[head, index] = total


@intrinsic(prefer_literal=True)
def _add_registers(
    _: Any,  # noqa: ANN401
    weights: Any,  # noqa: ANN401
    values: Any,  # noqa: ANN401
    rows: Any,  # noqa: ANN401
    offset: Any,  # noqa: ANN401
    sums: Any,  # noqa: ANN401
    num_registers: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """Neighbouring registers full of the sums of at most MAX_HEADS heads."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        weight_array, value_array, row_array, sum_array = (
            context.make_array(signature.args[at])(context, builder, arguments[at])
            for at in (0, 1, 2, 4)
        )
        count, num_keys = cgutils.unpack_tuple(builder, weight_array.shape)
        first = builder.gep(value_array.data, [arguments[3]])
        width = num_registers.literal_value
        for num_heads in each_case(builder, count, MAX_HEADS):
            heads = [row_of(builder, weight_array, head) for head in range(num_heads)]
            totals = _weighted(builder, heads, first, row_array.data, num_keys, width)
            for index, total in enumerate(totals):
                target = row_of(builder, sum_array, index // width)
                place = builder.gep(target, [INDEX(index % width * LANES)])
                store(builder, total, place)
        return context.get_dummy_value()

    return types.void(weights, values, rows, types.intp, sums, num_registers), generate


def _weighted(
    builder: Value,
    weights: list[Value],
    first: Value,
    rows: Value,
    num_keys: Value,
    num_registers: int,
) -> list[Value]:
    """The sums of one head after the other."""
    sums = Sums(builder, len(weights) * num_registers)
    with cgutils.for_range(builder, num_keys) as step:
        value = builder.gep(first, [builder.load(builder.gep(rows, [step.index]))])
        parts = [
            load(builder, builder.gep(value, [INDEX(at * LANES)])) for at in range(num_registers)
        ]
        for head, numbers in enumerate(weights):
            weight = splat(builder, builder.load(builder.gep(numbers, [step.index])))
            for at, part in enumerate(parts):
                sums.add_product(head * num_registers + at, weight, part)
    return sums.values()
