"""Attention over the paged KV cache, read in place, one part of a token's keys at a time.

Parts are of equal length, wherever a token stands in a batch: so that one long context keeps all
threads busy, and no token's sums depend on its neighbours.

Source: PagedAttention (Kwon et al., 2023); Flash-Decoding (Dao et al., 2023) for the parts.
"""

import numpy as np
from numpy.typing import NDArray

from antiphon.models.cpu_kernels.arrays import Floats, Integers
from antiphon.models.cpu_kernels.attention_scores import score_keys
from antiphon.models.cpu_kernels.attention_values import add_values
from antiphon.models.cpu_kernels.cache_rows import find_rows
from antiphon.models.cpu_kernels.exponential import exponentiate
from antiphon.models.cpu_kernels.kernel import (
    Arguments,
    argument_types,
    kernel,
    thread_stride,
    unpack,
)
from antiphon.models.cpu_kernels.loops import loop
from antiphon.models.cpu_kernels.registers import LANES

QUERY = "f4[:,:,:]"
STATES = "Tuple((f4[:,:,:,::1], f4[:,:,:,::1]))"
TABLES = "Tuple((i4[::1], i4[::1], i4[:,::1]))"
RULES = "Tuple((i8, i8, f8, f8))"
PARTS = "Tuple((f4[:,:,::1], f4[:,:,::1], f4[:,:,:,::1]))"
ARGUMENTS = argument_types(f"{QUERY}, {STATES}, {TABLES}, {RULES}, {PARTS}")
PART = 128  # keys


@loop
def _places(
    num_tokens: int, query_starts: Integers, context_lens: Integers
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each token's sequence and its position there; below 0 for padding."""
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
    parts   is written to; where a token sees nothing, only a sum of 0:
            [num_tokens, num_parts, heads]             the largest score
            [num_tokens, num_parts, heads]             the sum of weights, 1 for the largest score
            [num_tokens, num_parts, heads, value_dim]  the weighted values
    """
    query, (keys, values), tables, rules, parts = unpack(arguments, ARGUMENTS)
    query_starts, context_lens, block_tables = tables
    window, chunk_size, scale, softcap = rules
    largest, totals, sums = parts
    num_tokens, num_parts, num_heads, _ = sums.shape
    sequences, positions = _places(num_tokens, query_starts, context_lens)
    queries = np.empty((num_heads, query.shape[2]), np.float32)
    scores = np.empty((num_heads, PART + LANES), np.float32)
    powers = np.empty(PART, np.int32)
    key_rows, value_rows = np.empty(PART, np.int64), np.empty(PART, np.int64)
    thread, num_threads = thread_stride()
    for item in range(thread, num_tokens * num_parts, num_threads):
        # Shifted from part to part: all threads share the parts of one long context.
        part = item // num_tokens
        token = (item + part) % num_tokens
        position = positions[token]
        start = max(part * PART, _first_visible(position, window, chunk_size))
        num_keys = min((part + 1) * PART, position + 1) - start
        if num_keys <= 0:
            totals[token, part] = 0
            continue
        table = block_tables[sequences[token]]
        find_rows(keys, table, start, key_rows[:num_keys])
        find_rows(values, table, start, value_rows[:num_keys])
        queries[:] = query[token] * np.float32(scale)
        score_keys(queries, keys, key_rows[:num_keys], values, value_rows, scores)
        for head in range(num_heads):
            peak, total = _weigh(scores[head, :num_keys], softcap, powers)
            largest[token, part, head], totals[token, part, head] = peak, total
        add_values(scores[:, :num_keys], values, value_rows, sums[token, part])
