"""Scheduled sequences to forward batches: positions, slots and rows, computed with numpy."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from antiphon.engine.block_manager import NULL_BLOCK
from antiphon.engine.scheduler import ScheduledSequence
from antiphon.models.forward_batch import DecodeGroup, ForwardBatch, PromptSpan

Integers = NDArray[np.int64]


def is_decode(entry: ScheduledSequence) -> bool:
    """Whether a stacked pass can take it: the last known token, with others computed before it."""
    return (
        entry.is_sampled
        and entry.num_scheduled_tokens == 1
        and entry.sequence.num_computed_tokens > 0
    )


@dataclass(frozen=True, slots=True)
class BatchBuilder:
    """Builds batches for a KV cache of `block_size` tokens a block, on `device`."""

    block_size: int
    device: torch.device

    def stack(self, decodes: list[ScheduledSequence]) -> ForwardBatch:
        """One token a row: [num_rows, 1]. Entries come by ascending `num_computed_tokens`."""
        sequences = [entry.sequence for entry in decodes]
        positions = np.array([sequence.num_computed_tokens for sequence in sequences])
        tables = _padded([sequence.block_table for sequence in sequences])
        rows = np.arange(len(sequences))
        blocks = tables[rows, positions // self.block_size]
        offsets = positions % self.block_size
        return ForwardBatch(
            token_ids=self._tensor([sequence.token_ids[-1] for sequence in sequences])[:, None],
            position_ids=self._tensor(positions)[:, None],
            slot_mapping=self._tensor(blocks * self.block_size + offsets),
            fresh_blocks=self._tensor(blocks[offsets == 0]),
            spans=(),
            groups=tuple(
                self._group(tables, positions + 1, start, end)
                for start, end in similar_runs(positions + 1)
            ),
            logit_rows=self._tensor(rows),
            state_rows=self._state_rows(decodes),
            has_state=True,
        )

    def pack(self, chunks: list[ScheduledSequence]) -> ForwardBatch:
        """Chunks one behind the other: [1, num_tokens]."""
        positions = np.concatenate([_positions(entry) for entry in chunks])
        blocks = np.concatenate([self._blocks(entry) for entry in chunks])
        offsets = positions % self.block_size
        ends = np.cumsum([entry.num_scheduled_tokens for entry in chunks]).tolist()
        return ForwardBatch(
            token_ids=self._tensor([token for entry in chunks for token in _tokens(entry)])[None],
            position_ids=self._tensor(positions)[None],
            slot_mapping=self._tensor(blocks * self.block_size + offsets),
            fresh_blocks=self._tensor(blocks[offsets == 0]),
            spans=tuple(self._span(entry, end) for entry, end in zip(chunks, ends, strict=True)),
            groups=(),
            logit_rows=self._tensor(
                [end - 1 for entry, end in zip(chunks, ends, strict=True) if entry.is_sampled]
            ),
            state_rows=self._state_rows(chunks),
            has_state=chunks[0].sequence.num_computed_tokens > 0,
        )

    def _group(self, tables: Integers, context_lens: Integers, start: int, end: int) -> DecodeGroup:
        lengths = context_lens[start:end]
        longest = int(lengths[-1])
        num_blocks = -(-longest // self.block_size)
        return DecodeGroup(
            start,
            end,
            self._tensor(tables[start:end, :num_blocks]),
            self._tensor(lengths),
            longest,
            is_padded=bool(lengths[0] < longest),
        )

    def _span(self, entry: ScheduledSequence, end: int) -> PromptSpan:
        sequence, num_tokens = entry
        offset = sequence.num_computed_tokens
        num_blocks = -(-(offset + num_tokens) // self.block_size)
        table = self._tensor(sequence.block_table[:num_blocks]) if offset else None
        return PromptSpan(end - num_tokens, end, offset, table)

    def _blocks(self, entry: ScheduledSequence) -> Integers:
        """The block of each token of the chunk."""
        return np.array(entry.sequence.block_table)[_positions(entry) // self.block_size]

    def _state_rows(self, entries: list[ScheduledSequence]) -> Tensor:
        return self._tensor([entry.sequence.row for entry in entries])

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


def _padded(block_tables: list[list[int]]) -> Integers:
    """[num_tables, longest], padded with the null block."""
    longest = max(map(len, block_tables))
    return np.array([table + [NULL_BLOCK] * (longest - len(table)) for table in block_tables])


def _positions(entry: ScheduledSequence) -> Integers:
    offset = entry.sequence.num_computed_tokens
    return np.arange(offset, offset + entry.num_scheduled_tokens)


def _tokens(entry: ScheduledSequence) -> list[int]:
    offset = entry.sequence.num_computed_tokens
    return entry.sequence.token_ids[offset : offset + entry.num_scheduled_tokens]
