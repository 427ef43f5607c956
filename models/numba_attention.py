"""Paged attention with loops that numba compiles: what serves on a CPU in float32."""

from itertools import groupby

import torch
from torch import Tensor

from antiphon.models.attention_backend import by_token
from antiphon.models.cpu_kernels.paged_attention import paged_attention
from antiphon.models.cpu_kernels.store_kv import store_kv
from antiphon.models.forward_batch import ForwardBatch, PromptSpan, SequenceTables, VisibleRange
from antiphon.models.layer_kv import LayerKV
from antiphon.models.scoring import Scoring
from antiphon.models.sdpa_attention import attend_span

# Tokens of one sequence: with more of them, gathering its keys once is cheaper than reading them
# for each token.
MAX_QUERY_LEN = 16


class NumbaAttention:
    """Keeps the `PagedAttention` protocol.

    Decoding and drafts read the cache in place. Longer chunks of prompts go through SDPA, also when
    they share a pass with those.
    """

    name = "paged, numba and torch SDPA"
    needs_tables = True
    packs_decodes = True

    def store(self, key: Tensor, value: Tensor, kv: LayerKV, batch: ForwardBatch) -> None:
        new = by_token(key).numpy(), by_token(value).numpy()
        blocks = kv.keys.blocks.numpy(), kv.values.blocks.numpy()
        store_kv(new, blocks, batch.slot_mapping.numpy())

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        kv: LayerKV,
        batch: ForwardBatch,
        visible: VisibleRange,
        scoring: Scoring,
    ) -> Tensor:
        tables = batch.tables
        assert tables is not None, "the runner builds tables for a backend that needs them"
        flat_query = by_token(query)
        if tables.max_query_len <= MAX_QUERY_LEN:
            output = paged_attention(flat_query, kv, tables, visible, scoring)
            return output.view(query.shape[0], query.shape[2], *output.shape[1:])
        parts, first = [], 0
        for is_short, group in groupby(batch.spans, _is_short):
            spans = list(group)
            if is_short:
                own_tables = _tables_of(tables, first, first + len(spans))
                own_query = flat_query[spans[0].start : spans[-1].end]
                parts.append(paged_attention(own_query, kv, own_tables, visible, scoring))
            else:
                parts += [
                    attend_span(query, key, value, kv, span, visible, scoring)[0] for span in spans
                ]
            first += len(spans)
        return torch.cat(parts)[None]


def _is_short(span: PromptSpan) -> bool:
    return span.end - span.start <= MAX_QUERY_LEN


def _tables_of(tables: SequenceTables, first: int, end: int) -> SequenceTables:
    """Of the sequences [first, end) of a pass, whose tokens are then counted from 0."""
    return SequenceTables(
        query_starts=tables.query_starts[first : end + 1] - tables.query_starts[first],
        context_lens=tables.context_lens[first:end],
        block_tables=tables.block_tables[first:end],
        max_query_len=MAX_QUERY_LEN,
    )
