"""Scheduled sequences to forward batches: positions, slots and rows, computed with numpy."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

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
        slots = self._slots([sequence.block_table for sequence in sequences])
        rows = np.arange(len(sequences))
        return ForwardBatch(
            token_ids=self._tensor([sequence.token_ids[-1] for sequence in sequences])[:, None],
            position_ids=self._tensor(positions)[:, None],
            slot_mapping=self._tensor(slots[rows, positions]),
            spans=(),
            groups=tuple(
                self._group(slots, positions + 1, start, end)
                for start, end in similar_runs(positions + 1)
            ),
            logit_rows=self._tensor(rows),
            state_rows=self._state_rows(decodes),
            has_state=True,
        )

    def pack(self, chunks: list[ScheduledSequence]) -> ForwardBatch:
        """Chunks one behind the other: [1, num_tokens]."""
        lengths = [entry.num_scheduled_tokens for entry in chunks]
        starts = np.cumsum([0, *lengths]).tolist()
        slots = [self._slots_so_far(entry) for entry in chunks]
        offsets = [entry.sequence.num_computed_tokens for entry in chunks]
        return ForwardBatch(
            token_ids=self._tensor([token for entry in chunks for token in _tokens(entry)])[None],
            position_ids=self._tensor(
                np.concatenate([np.arange(o, o + n) for o, n in zip(offsets, lengths, strict=True)])
            )[None],
            slot_mapping=self._tensor(
                np.concatenate([s[o:] for s, o in zip(slots, offsets, strict=True)])
            ),
            spans=tuple(
                PromptSpan(start, start + n, o, self._tensor(s) if o else None)
                for start, n, o, s in zip(starts, lengths, offsets, slots, strict=False)
            ),
            groups=(),
            logit_rows=self._tensor(
                [end - 1 for end, entry in zip(starts[1:], chunks, strict=True) if entry.is_sampled]
            ),
            state_rows=self._state_rows(chunks),
            has_state=offsets[0] > 0,
        )

    def _group(self, slots: Integers, context_lens: Integers, start: int, end: int) -> DecodeGroup:
        lengths = context_lens[start:end]
        longest = int(lengths[-1])
        key_slots = np.where(np.arange(longest) < lengths[:, None], slots[start:end, :longest], 0)
        return DecodeGroup(
            start,
            end,
            self._tensor(key_slots),
            self._tensor(lengths),
            is_padded=bool(lengths[0] < longest),
        )

    def _slots_so_far(self, entry: ScheduledSequence) -> Integers:
        """The slots of every token of the sequence up to the end of its chunk."""
        num_tokens = entry.sequence.num_computed_tokens + entry.num_scheduled_tokens
        return self._slots([entry.sequence.block_table])[0, :num_tokens]

    def _slots(self, block_tables: list[list[int]]) -> Integers:
        """[num_tables, longest * block_size] slots, padded with the null block's."""
        longest = max(map(len, block_tables))
        padded = np.array([table + [0] * (longest - len(table)) for table in block_tables])
        slots = padded[:, :, None] * self.block_size + np.arange(self.block_size)
        return slots.reshape(len(block_tables), -1)

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


def _tokens(entry: ScheduledSequence) -> list[int]:
    offset = entry.sequence.num_computed_tokens
    return entry.sequence.token_ids[offset : offset + entry.num_scheduled_tokens]
