"""Paged attention with loops that numba compiles: what serves on a CPU in float32."""

from torch import Tensor

from antiphon.models.cpu_kernels.paged_attention import paged_attention
from antiphon.models.cpu_kernels.store_kv import store_kv
from antiphon.models.forward_batch import ForwardBatch, VisibleRange
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

    def store(self, key: Tensor, value: Tensor, kv: LayerKV, batch: ForwardBatch) -> None:
        new = _by_token(key).numpy(), _by_token(value).numpy()
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
        output = paged_attention(
            _by_token(query), kv, tables, visible, scoring, max_query_len=MAX_QUERY_LEN
        )
        for span in batch.spans:
            if span.end - span.start > MAX_QUERY_LEN:
                attended = attend_span(query, key, value, kv, span, visible, scoring)
                output[span.start : span.end] = attended[0]
        return output.view(query.shape[0], query.shape[2], *output.shape[1:])


def _by_token(states: Tensor) -> Tensor:
    """[b, heads, s, dim] -> [b * s, heads, dim], a view when either b or s is 1."""
    return states.transpose(1, 2).flatten(0, 1)
