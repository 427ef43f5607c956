"""The kernel of paged attention: flash attention that finds its keys through block tables.

One program takes a few query tokens of one sequence, all query heads that share one key head, and
one of several equal parts (splits) of the keys those tokens see. Heads of a group stand beside the
tokens as rows of one matrix, so that each key is read once for all of them and a single token fills
a tensor core's tile. Decoding, chunks of prompts and the verification of drafts are one case.

Sources: FlashAttention-2 (Dao, 2023), section 3; Flash-Decoding (Dao et al., 2023) for the splits;
PagedAttention (Kwon et al., 2023), section 4.
"""

import triton
import triton.language as tl

from antiphon.models.kernels.attention_step import LOG2_E, attend_tile, first_visible


# What differs from step to step is not compiled in: no step waits for a compiler.
@triton.jit(do_not_specialize=["output_stride_split", "table_stride", "num_tokens", "num_splits"])
def attention_kernel(
    query: tl.tensor,  # [num_tokens, heads, KEY_DIM]
    keys: tl.tensor,  # [num_blocks, BLOCK_SIZE, num_kv_heads, KEY_DIM]
    values: tl.tensor,  # [num_blocks, BLOCK_SIZE, num_kv_heads, VALUE_DIM]
    output: tl.tensor,  # [num_splits, num_tokens, heads, VALUE_DIM]
    log_sums: tl.tensor,  # [num_splits, num_tokens, heads], base 2; None unless IS_SPLIT
    query_starts: tl.tensor,
    context_lens: tl.tensor,
    block_tables: tl.tensor,
    sinks: tl.tensor,  # [heads] or None
    scale: tl.tensor,
    query_stride_token: tl.tensor,
    query_stride_head: tl.tensor,
    key_stride_block: tl.tensor,
    key_stride_slot: tl.tensor,
    key_stride_head: tl.tensor,
    value_stride_block: tl.tensor,
    value_stride_slot: tl.tensor,
    value_stride_head: tl.tensor,
    output_stride_split: tl.tensor,
    output_stride_token: tl.tensor,
    output_stride_head: tl.tensor,
    table_stride: tl.tensor,
    num_tokens: tl.tensor,
    num_splits: tl.tensor,
    GROUP_SIZE: tl.constexpr,  # query heads of one key head
    KEY_DIM: tl.constexpr,
    VALUE_DIM: tl.constexpr,
    PADDED_KEY_DIM: tl.constexpr,
    PADDED_VALUE_DIM: tl.constexpr,
    BLOCK_SIZE: tl.constexpr,
    WINDOW: tl.constexpr,  # or None
    CHUNK_SIZE: tl.constexpr,  # or None
    SOFTCAP: tl.constexpr,  # or None
    IS_SPLIT: tl.constexpr,
    TILE_ROWS: tl.constexpr,
    TILE_KEYS: tl.constexpr,
) -> None:
    TILE_TOKENS: tl.constexpr = TILE_ROWS // GROUP_SIZE
    # The last tokens of a chunk see the most keys: they begin first, and short ones fill the end.
    tile = tl.num_programs(0) // num_splits - 1 - tl.program_id(0) // num_splits
    split = tl.program_id(0) % num_splits
    kv_head = tl.program_id(1)
    sequence = tl.program_id(2)

    first_token = tl.load(query_starts + sequence)
    query_len = tl.load(query_starts + sequence + 1) - first_token
    context_len = tl.load(context_lens + sequence)
    first_query = tile * TILE_TOKENS
    if first_query >= query_len:
        return
    num_queries = tl.minimum(TILE_TOKENS, query_len - first_query)
    first_position = context_len - query_len + first_query

    rows = tl.arange(0, TILE_ROWS)
    positions = first_position + rows // GROUP_SIZE
    is_row = rows < num_queries * GROUP_SIZE
    tokens = (first_token + first_query + rows // GROUP_SIZE).to(tl.int64)
    heads = kv_head * GROUP_SIZE + rows % GROUP_SIZE

    start, end = _cut_keys(
        first_position, num_queries, split, num_splits, WINDOW, CHUNK_SIZE, TILE_KEYS
    )
    log_sum_rows = (split * num_tokens + tokens) * tl.num_programs(1) * GROUP_SIZE + heads
    if IS_SPLIT:  # noqa: SIM102 - settled when it is compiled, the inner one when it runs
        if start >= end:
            tl.store(log_sums + log_sum_rows, float("-inf"), mask=is_row)
            return

    key_dims = tl.arange(0, PADDED_KEY_DIM)
    value_dims = tl.arange(0, PADDED_VALUE_DIM)
    query_rows = tl.load(
        query
        + tokens[:, None] * query_stride_token
        + heads[:, None] * query_stride_head
        + key_dims[None, :],
        mask=is_row[:, None] & (key_dims < KEY_DIM)[None, :],
        other=0.0,
    )
    weighted = tl.zeros([TILE_ROWS, PADDED_VALUE_DIM], dtype=tl.float32)
    highest, total = _begin_softmax(sinks, heads, is_row, split, TILE_ROWS)

    table = block_tables + sequence.to(tl.int64) * table_stride
    head_keys = keys + kv_head * key_stride_head
    head_values = values + kv_head * value_stride_head
    plain_end = _end_of_plain_tiles(first_position, start, end, WINDOW, CHUNK_SIZE, TILE_KEYS)
    for IS_MASKED in tl.static_range(2):
        first = plain_end if IS_MASKED else start
        last = end if IS_MASKED else plain_end
        for tile_start in range(first, last, TILE_KEYS):
            weighted, highest, total = attend_tile(
                query_rows,
                weighted,
                highest,
                total,
                positions,
                tile_start,
                end,
                table,
                head_keys,
                head_values,
                scale,
                key_stride_block,
                key_stride_slot,
                value_stride_block,
                value_stride_slot,
                KEY_DIM,
                VALUE_DIM,
                PADDED_KEY_DIM,
                PADDED_VALUE_DIM,
                BLOCK_SIZE,
                WINDOW,
                CHUNK_SIZE,
                SOFTCAP,
                TILE_KEYS,
                IS_MASKED,
            )

    # A row that saw nothing (padding, or another split's keys) comes out as zeros.
    divisor = tl.where(total > 0.0, total, 1.0)
    tl.store(
        output
        + split.to(tl.int64) * output_stride_split
        + tokens[:, None] * output_stride_token
        + heads[:, None] * output_stride_head
        + value_dims[None, :],
        (weighted / divisor[:, None]).to(output.dtype.element_ty),
        mask=is_row[:, None] & (value_dims < VALUE_DIM)[None, :],
    )
    if IS_SPLIT:
        tl.store(log_sums + log_sum_rows, highest + tl.log2(divisor), mask=is_row)


@triton.jit
def _cut_keys(
    first_position: tl.tensor,
    num_queries: tl.tensor,
    split: tl.tensor,
    num_splits: tl.tensor,
    WINDOW: tl.constexpr,
    CHUNK_SIZE: tl.constexpr,
    TILE_KEYS: tl.constexpr,
) -> tuple[tl.tensor, tl.tensor]:
    """The split's share, in whole tiles, of the keys that any of the tokens sees."""
    seen_end = first_position + num_queries
    seen_start = tl.maximum(first_visible(first_position, WINDOW, CHUNK_SIZE), 0)
    seen_start = seen_start // TILE_KEYS * TILE_KEYS
    split_len = tl.cdiv(tl.cdiv(seen_end - seen_start, TILE_KEYS), num_splits) * TILE_KEYS
    start = seen_start + split * split_len
    return start, tl.minimum(start + split_len, seen_end)


@triton.jit
def _begin_softmax(
    sinks: tl.tensor,
    heads: tl.tensor,
    is_row: tl.tensor,
    split: tl.tensor,
    TILE_ROWS: tl.constexpr,
) -> tuple[tl.tensor, tl.tensor]:
    """Each row's highest score, in base 2, and the sum of its weights before any key."""
    highest = tl.full([TILE_ROWS], float("-inf"), dtype=tl.float32)
    total = tl.zeros([TILE_ROWS], dtype=tl.float32)
    if sinks is not None:
        # A sink is one more score, which has no value; the first split has it.
        sink = tl.load(sinks + heads, mask=is_row, other=float("-inf")).to(tl.float32)
        highest = tl.where(split == 0, sink * LOG2_E, float("-inf"))
        total = tl.where(highest > float("-inf"), 1.0, 0.0)
    return highest, total


@triton.jit
def _end_of_plain_tiles(
    first_position: tl.tensor,
    start: tl.tensor,
    end: tl.tensor,
    WINDOW: tl.constexpr,
    CHUNK_SIZE: tl.constexpr,
    TILE_KEYS: tl.constexpr,
) -> tl.tensor:
    """Tiles that every row sees whole need no mask; with a window or chunks few are, so none is."""
    plain_end = start
    if WINDOW is None and CHUNK_SIZE is None:
        plain_end = (first_position + 1) // TILE_KEYS * TILE_KEYS
        plain_end = tl.maximum(tl.minimum(plain_end, end), start)
    return plain_end
