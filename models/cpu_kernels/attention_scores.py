"""Queries times the keys of a paged cache: a few heads and keys at a time, sums in registers."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from antiphon.models.cpu_kernels.arrays import Floats
from antiphon.models.cpu_kernels.cache_rows import Rows, head_offset, number_at, prefetch_row
from antiphon.models.cpu_kernels.lane_sums import add_lanes
from antiphon.models.cpu_kernels.loops import loop
from antiphon.models.cpu_kernels.registers import (
    FLOAT,
    INDEX,
    LANES,
    WORD,
    Sums,
    Value,
    each_case,
    load,
    row_of,
    zeros,
)

MAX_HEADS = 4  # whose sums are in registers together
# By the number of heads: as many sums of either as one register takes in the end.
KEYS_AT_ONCE = tuple(LANES >> (num_heads - 1).bit_length() for num_heads in range(1, MAX_HEADS + 1))
AHEAD = 6  # keys that are on their way from memory while one is multiplied


@loop
def score_keys(
    queries: Floats,
    keys: Floats,
    key_rows: Rows,
    values: Floats,
    value_rows: Rows,
    scores: Floats,
) -> None:
    """scores[head, i] = the product of a query and the key at key_rows[i]. Values are asked for.

    queries  [heads, key_dim]
    keys     [num_blocks, block_size, num_kv_heads, key_dim]
    scores   [heads, num_keys + LANES]: what lies behind the keys' scores is scratch
    """
    num_keys = len(key_rows)
    num_shared = len(queries) // keys.shape[2]
    num_groups = (num_shared + MAX_HEADS - 1) // MAX_HEADS
    width = KEYS_AT_ONCE[(num_shared + num_groups - 1) // num_groups - 1]
    rows = np.full(LANES, key_rows[0])
    for start in range(0, num_keys, width):
        for lane in range(width):
            rows[lane] = key_rows[min(start + lane, num_keys - 1)]
            if start + lane + AHEAD < num_keys:
                prefetch_row(keys, key_rows[start + lane + AHEAD])
            if start + lane < num_keys:
                prefetch_row(values, value_rows[start + lane])
        _score_rows(queries, keys, rows, num_groups, scores[:, start:])


@loop
def _score_rows(queries: Floats, keys: Floats, rows: Rows, num_groups: int, scores: Floats) -> None:
    """Neighbouring keys times all heads, of which groups of nearly one size share registers."""
    num_kv_heads, dim = keys.shape[2], keys.shape[3]
    num_shared = len(queries) // num_kv_heads
    for kv_head in range(num_kv_heads):
        head, offset = kv_head * num_shared, head_offset(keys, kv_head)
        for group in range(num_groups):
            first = head + num_shared * group // num_groups
            behind = head + num_shared * (group + 1) // num_groups
            own_scores = scores[first:behind]
            _score_heads(queries[first:behind], keys, rows, offset, own_scores)
            if dim % LANES:
                _add_rest(queries[first:behind], keys, rows, offset, own_scores)


@loop
def _add_rest(queries: Floats, keys: Floats, rows: Rows, offset: int, scores: Floats) -> None:
    """What a key has beyond full registers."""
    num_heads, dim = queries.shape
    for index in range(dim // LANES * LANES, dim):
        for lane in range(LANES):
            key = number_at(keys, rows[lane] + offset + index)
            for head in range(num_heads):
                scores[head, lane] += queries[head, index] * key


@intrinsic
def _score_heads(_: Any, queries: Any, keys: Any, rows: Any, offset: Any, scores: Any) -> Any:  # noqa: ANN401
    """The part of at most MAX_HEADS queries and a few keys that fills registers."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ANN401
        query_array, key_array, row_array, score_array = (
            context.make_array(signature.args[at])(context, builder, values[at])
            for at in (0, 1, 2, 4)
        )
        first = builder.gep(key_array.data, [values[3]])
        places = [
            builder.gep(first, [builder.load(builder.gep(row_array.data, [INDEX(lane)]))])
            for lane in range(LANES)
        ]
        count, dim = cgutils.unpack_tuple(builder, query_array.shape)
        for num_heads in each_case(builder, count, MAX_HEADS):
            heads = [row_of(builder, query_array, head) for head in range(num_heads)]
            targets = [row_of(builder, score_array, head) for head in range(num_heads)]
            width = KEYS_AT_ONCE[num_heads - 1]
            found = _products(builder, heads, places[:width], dim)
            for head, target in enumerate(targets):
                _store_some(builder, found, head * width, width, target)
        return context.get_dummy_value()

    return types.void(queries, keys, rows, types.intp, scores), generate


def _products(builder: Value, queries: list[Value], keys: list[Value], dim: Value) -> Value:
    """A register: each query times all keys, one query after the other."""
    sums = Sums(builder, len(queries) * len(keys))
    with cgutils.for_range(builder, builder.udiv(dim, INDEX(LANES))) as step:
        index = builder.mul(step.index, INDEX(LANES))
        parts = [load(builder, builder.gep(query, [index])) for query in queries]
        for at, key in enumerate(keys):
            factor = load(builder, builder.gep(key, [index]))
            for head, part in enumerate(parts):
                sums.add_product(head * len(keys) + at, part, factor)
    vectors = sums.values()
    return add_lanes(builder, vectors + [zeros()] * (LANES - len(vectors)))


def _store_some(builder: Value, vector: Value, first: int, count: int, place: Value) -> None:
    """The lanes [first, first + count)."""
    lanes = ir.Constant(ir.VectorType(WORD, count), list(range(first, first + count)))
    some = builder.shuffle_vector(vector, vector, lanes)
    kind = ir.VectorType(FLOAT, count)
    builder.store(some, builder.bitcast(place, kind.as_pointer()), align=4)
