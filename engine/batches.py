"""Scheduled sequences to forward batches: positions, slots and rows, computed with numpy."""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from antiphon.engine.rows import Rows
from antiphon.engine.scheduler import ScheduledSequence
from antiphon.models.forward_batch import DecodeGroup, ForwardBatch, PromptSpan, SequenceTables

Integers = NDArray[np.int64]


def is_decode(entry: ScheduledSequence) -> bool:
    """Whether a stacked pass can take it: the last known token, with others computed before it."""
    return (
        entry.num_scheduled_tokens == 1
        and entry.is_sampled
        and entry.sequence.num_computed_tokens > 0
    )


@dataclass(frozen=True, slots=True)
class BatchBuilder:
    """Builds batches for a KV cache of `block_size` tokens a block, on `device`.

    needs_tables  whether attention reads `ForwardBatch.tables`, and no groups.
    """

    block_size: int
    device: torch.device
    needs_tables: bool = False
    rows: Rows = field(default_factory=Rows)

    def stack(self, decodes: list[ScheduledSequence]) -> ForwardBatch:
        """One token a row, [num_rows, 1]; by ascending context where groups are made of them."""
        sequences = [entry.sequence for entry in decodes]
        positions = np.array([sequence.num_computed_tokens for sequence in sequences])
        token_ids = np.array([sequence.token_ids[-1] for sequence in sequences])
        rows = self.rows.update(sequences)
        logit_rows = None
        if not self.needs_tables:
            order = positions.argsort(kind="stable")
            positions, token_ids, rows = positions[order], token_ids[order], rows[order]
            logit_rows = self._tensor(order.argsort(kind="stable"))
        blocks = self.rows.block_tables[rows, positions // self.block_size].astype(np.int64)
        offsets = positions % self.block_size
        return ForwardBatch(
            token_ids=self._tensor(token_ids)[:, None],
            position_ids=self._tensor(positions)[:, None],
            slot_mapping=self._tensor(blocks * self.block_size + offsets),
            fresh_blocks=self._tensor(blocks[offsets == 0]),
            spans=(),
            groups=() if self.needs_tables else self._groups(rows, positions + 1),
            logit_rows=logit_rows,
            state_rows=self._tensor(rows),
            has_state=True,
            tables=self._tables(rows, np.ones_like(rows), positions + 1),
        )

    def pack(self, chunks: list[ScheduledSequence]) -> ForwardBatch:
        """Chunks one behind the other: [1, num_tokens]."""
        rows = self.rows.update([entry.sequence for entry in chunks])
        positions = np.concatenate([_positions(entry) for entry in chunks])
        blocks = np.concatenate([self._blocks(entry) for entry in chunks])
        offsets = positions % self.block_size
        ends = np.cumsum([entry.num_scheduled_tokens for entry in chunks]).tolist()
        return ForwardBatch(
            token_ids=self._tensor(np.concatenate([_tokens(entry) for entry in chunks]))[None],
            position_ids=self._tensor(positions)[None],
            slot_mapping=self._tensor(blocks * self.block_size + offsets),
            fresh_blocks=self._tensor(blocks[offsets == 0]),
            spans=tuple(self._span(entry, end) for entry, end in zip(chunks, ends, strict=True)),
            groups=(),
            logit_rows=self._tensor(
                [
                    place
                    for entry, end in zip(chunks, ends, strict=True)
                    if entry.is_sampled
                    for place in range(end - 1 - len(entry.draft_token_ids), end)
                ]
            ),
            state_rows=self._tensor(rows),
            has_state=chunks[0].sequence.num_computed_tokens > 0,
            tables=self._chunk_tables(chunks, rows),
        )

    def _chunk_tables(
        self, chunks: list[ScheduledSequence], rows: Integers
    ) -> SequenceTables | None:
        query_lens = np.array([entry.num_scheduled_tokens for entry in chunks])
        offsets = np.array([entry.sequence.num_computed_tokens for entry in chunks])
        return self._tables(rows, query_lens, offsets + query_lens)

    def _tables(
        self, rows: Integers, query_lens: Integers, context_lens: Integers
    ) -> SequenceTables | None:
        if not self.needs_tables:
            return None
        num_blocks = -(-int(context_lens.max()) // self.block_size)
        return SequenceTables(
            query_starts=self._tensor(np.concatenate([[0], np.cumsum(query_lens)])).int(),
            context_lens=self._tensor(context_lens).int(),
            block_tables=torch.as_tensor(
                self.rows.block_tables[rows, :num_blocks], device=self.device
            ),
            max_query_len=int(query_lens.max()),
        )

    def _groups(self, rows: Integers, context_lens: Integers) -> tuple[DecodeGroup, ...]:
        return tuple(
            self._group(rows, context_lens, start, end) for start, end in similar_runs(context_lens)
        )

    def _group(self, rows: Integers, context_lens: Integers, start: int, end: int) -> DecodeGroup:
        lengths = context_lens[start:end]
        longest = int(lengths[-1])
        num_blocks = -(-longest // self.block_size)
        return DecodeGroup(
            start,
            end,
            self._tensor(self.rows.block_tables[rows[start:end], :num_blocks]),
            self._tensor(lengths),
            longest,
            is_padded=bool(lengths[0] < longest),
        )

    def _span(self, entry: ScheduledSequence, end: int) -> PromptSpan:
        sequence, num_tokens = entry.sequence, entry.num_scheduled_tokens
        offset = sequence.num_computed_tokens
        num_blocks = -(-(offset + num_tokens) // self.block_size)
        table = self._tensor(self.rows.block_tables[sequence.row, :num_blocks]) if offset else None
        return PromptSpan(end - num_tokens, end, offset, table)

    def _blocks(self, entry: ScheduledSequence) -> Integers:
        """The block of each token of the chunk."""
        table = self.rows.block_tables[entry.sequence.row]
        return table[_positions(entry) // self.block_size].astype(np.int64)

    def _tensor(self, numbers: object) -> Tensor:
        return torch.as_tensor(np.asarray(numbers, dtype=np.int64), device=self.device)


def similar_runs(ascending: Integers) -> list[tuple[int, int]]:
    """Cut lengths into (start, end) runs whose longest is at most twice the shortest.

    Padding a run to its longest then wastes less than half of it.
    """
    runs: list[tuple[int, int]] = []
    start = 0
    while start < len(ascending):
        end = int(np.searchsorted(ascending, 2 * ascending[start], side="right"))
        runs.append((start, end))
        start = end
    return runs


def _positions(entry: ScheduledSequence) -> Integers:
    offset = entry.sequence.num_computed_tokens
    return np.arange(offset, offset + entry.num_scheduled_tokens)


def _tokens(entry: ScheduledSequence) -> Integers:
    start = entry.sequence.num_computed_tokens
    known = entry.sequence.token_ids[start : start + entry.num_scheduled_tokens]
    return np.array([*known, *entry.draft_token_ids])
