"""Attention over the paged KV cache, read in place, one part of a token's keys at a time.

Parts are of equal length, wherever a token stands in a batch: so that one long context keeps all
threads busy, and no token's sums depend on its neighbours.

Source: PagedAttention (Kwon et al., 2023); Flash-Decoding (Dao et al., 2023) for the parts.
"""

import numpy as np
from numpy.typing import NDArray

from antiphon.models.cpu_kernels.arrays import Floats, Integers
from antiphon.models.cpu_kernels.exponential import exponentiate
from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_stride,
    unpack,
)
from antiphon.models.cpu_kernels.loops import loop

QUERY = "f4[:,:,:]"
STATES = "Tuple((f4[:,:,:,::1], f4[:,:,:,::1]))"
TABLES = "Tuple((i4[::1], i4[::1], i4[:,::1]))"
RULES = "Tuple((i8, i8, f8, f8))"
PARTS = "Tuple((f4[:,:,::1], f4[:,:,::1], f4[:,:,:,::1]))"
ARGUMENTS = argument_types(f"{QUERY}, {STATES}, {TABLES}, {RULES}, {PARTS}")
PART = 256  # keys


@loop
def _places(
    num_tokens: int, query_starts: Integers, context_lens: Integers
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each token's sequence, and its position there."""
    sequences = np.empty(num_tokens, np.int64)
    positions = np.empty(num_tokens, np.int64)
    for sequence in range(len(context_lens)):
        end = query_starts[sequence + 1]
        for token in range(query_starts[sequence], end):
            sequences[token] = sequence
            positions[token] = context_lens[sequence] - (end - token)
    return sequences, positions


@loop
def _first_visible(position: int, window: int, chunk_size: int) -> int:
    if chunk_size:
        return position // chunk_size * chunk_size
    if window:
        return max(0, position - window + 1)
    return 0


@loop
def _score(
    queries: Floats,
    keys: Floats,
    table: Integers,
    kv_head: int,
    start: int,
    end: int,
    scores: Floats,
) -> None:
    """scores[head, key - start] = the product of a query and a key."""
    block_size = keys.shape[1]
    for key_index in range(start, end):
        block, offset = table[key_index // block_size], key_index % block_size
        key = keys[block, offset, kv_head]
        for head in range(len(queries)):
            query = queries[head]
            total = np.float32(0)
            for index in range(len(key)):
                total += query[index] * key[index]
            scores[head, key_index - start] = total


@loop
def _add_values(
    weights: Floats,
    values: Floats,
    table: Integers,
    kv_head: int,
    start: int,
    end: int,
    sums: Floats,
) -> None:
    """sums[head] = the weighted values."""
    block_size = values.shape[1]
    sums[:] = 0
    for key_index in range(start, end):
        block, offset = table[key_index // block_size], key_index % block_size
        value = values[block, offset, kv_head]
        for head in range(len(sums)):
            weight, total = weights[head, key_index - start], sums[head]
            for index in range(len(value)):
                total[index] += weight * value[index]


@loop
def _weigh(scores: Floats, softcap: float, powers: Integers) -> tuple[np.float32, np.float32]:
    """Scores become weights, 1 for the largest; returns that score and the sum of the weights."""
    if softcap:
        for index in range(len(scores)):
            scores[index] = np.tanh(scores[index] / np.float32(softcap)) * np.float32(softcap)
    largest = scores[0]
    for index in range(len(scores)):
        largest = max(largest, scores[index])
    for index in range(len(scores)):
        scores[index] -= largest
    exponentiate(scores, powers)
    total = np.float32(0)
    for index in range(len(scores)):
        total += scores[index]
    return largest, total


@kernel(ARGUMENTS)
def attend_parts(arguments: Arguments) -> None:
    """What each part of the keys gives, as if it were all.

    query   [num_tokens, heads, key_dim]
    states  keys and values, [num_blocks, block_size, num_kv_heads, key_dim | value_dim]
    tables  query_starts, context_lens and block_tables, as in `SequenceTables`
    rules   window, chunk_size, scale, softcap; 0 where there is no window, chunk or cap
    parts   is written to, but where a token sees nothing:
            [num_tokens, num_parts, heads]             the largest score
            [num_tokens, num_parts, heads]             the sum of weights, 1 for the largest score
            [num_tokens, num_parts, heads, value_dim]  the weighted values
    """
    query, (keys, values), tables, rules, parts = unpack(arguments, ARGUMENTS)
    query_starts, context_lens, block_tables = tables
    window, chunk_size, scale, softcap = rules
    largest, totals, sums = parts
    num_tokens, num_parts, num_heads, _ = sums.shape
    num_kv_heads = keys.shape[2]
    num_shared = num_heads // num_kv_heads
    sequences, positions = _places(num_tokens, query_starts, context_lens)
    queries = np.empty((num_shared, query.shape[2]), np.float32)
    scores = np.empty((num_shared, PART), np.float32)
    powers = np.empty(PART, np.int32)
    thread, num_threads = thread_stride()
    for item in range(thread, num_tokens * num_kv_heads * num_parts, num_threads):
        part = item // (num_tokens * num_kv_heads)
        token, kv_head = item // num_kv_heads % num_tokens, item % num_kv_heads
        position = positions[token]
        start = max(part * PART, _first_visible(position, window, chunk_size))
        end = min((part + 1) * PART, position + 1)
        if start >= end:
            continue
        table = block_tables[sequences[token]]
        first_head = kv_head * num_shared
        heads = slice(first_head, first_head + num_shared)
        queries[:] = query[token, heads] * np.float32(scale)
        _score(queries, keys, table, kv_head, start, end, scores)
        for head in range(num_shared):
            place = token, part, first_head + head
            largest[place], totals[place] = _weigh(scores[head, : end - start], softcap, powers)
        _add_values(scores, values, table, kv_head, start, end, sums[token, part, heads])
