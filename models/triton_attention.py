"""Paged attention with our own Triton kernels: what serves on CUDA.

The cache is read in place, through the block tables; nothing is gathered and no mask is built.
"""

import torch
from torch import Tensor

from antiphon.models.attention_backend import by_token
from antiphon.models.forward_batch import ForwardBatch, VisibleRange
from antiphon.models.kernels.attention_plan import AttentionPlan
from antiphon.models.kernels.attention_tile import Gpu
from antiphon.models.kernels.paged_attention import paged_attention
from antiphon.models.kernels.store_kv import store_kv
from antiphon.models.layer_kv import LayerKV
from antiphon.models.scoring import Scoring
from antiphon.models.varlen_attention import VarlenAttention


class TritonAttention:
    """Keeps the `PagedAttention` protocol.

    Decoding, chunks and drafts go through one kernel; `varlen` takes the packed passes that fit it.
    """

    name = "paged, Triton kernels"
    needs_tables = True
    packs_decodes = False  # it might; no GPU has measured it

    def __init__(self, gpu: Gpu, varlen: VarlenAttention | None) -> None:
        self._gpu = gpu
        self._varlen = varlen

    @classmethod
    def on(cls, device: torch.device) -> "TritonAttention":
        varlen = VarlenAttention() if VarlenAttention.runs_on(device) else None
        return cls(Gpu.of(device), varlen)

    def store(self, key: Tensor, value: Tensor, kv: LayerKV, batch: ForwardBatch) -> None:
        store_kv(by_token(key), by_token(value), kv, batch.slot_mapping)

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
        if self._varlen is not None and self._varlen.fits(query, value, batch, visible, scoring):
            return self._varlen.attend(query, key, value, batch, visible, scoring)
        output = self._attend_paged(by_token(query), kv, batch, visible, scoring)
        return output.view(query.shape[0], query.shape[2], *output.shape[1:])

    def _attend_paged(
        self,
        query: Tensor,
        kv: LayerKV,
        batch: ForwardBatch,
        visible: VisibleRange,
        scoring: Scoring,
    ) -> Tensor:
        """[num_tokens, heads, key_dim] -> [num_tokens, heads, value_dim]."""
        tables = batch.tables
        assert tables is not None, "the runner builds tables for a backend that needs them"
        plan = AttentionPlan.of(query, kv, tables, visible, self._gpu)
        return paged_attention(query, kv, tables, visible, scoring, plan)
