"""What a decode step needs of running sequences, kept on the device: one row each.

A captured step reads and writes these tensors by itself. From outside only what has changed comes
in, in one small copy: new sequences, new blocks, and rows that something else has brought on.
"""

from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from antiphon.engine.block_manager import NULL_BLOCK
from antiphon.engine.rows import Rows
from antiphon.engine.sequence import Sequence
from antiphon.engine.token_draw import ways_of

Integers = NDArray[np.int64]


class Field(IntEnum):
    """Columns of `DeviceRows.records`; from TEMPERATURE on they hold the bits of a float64."""

    TOKEN = 0  # the last known one, which the step computes
    LENGTH = 1  # tokens before it
    SEED = 2
    TOP_K = 3
    WAY = 4
    TEMPERATURE = 5
    TOP_P = 6
    MIN_P = 7


class DeviceRows:
    """Rows 0 .. num_rows - 1 are sequences; the trash row behind them stands for nobody.

    records       [num_rows + 1, len(Field)] int64
    block_tables  [num_rows + 1, max_num_blocks] int32
    step_rows     [num_rows] int64: the rows of the step, and trash rows behind them
    num_uploaded  numbers that have been copied to the device so far
    """

    def __init__(
        self, rows: Rows, *, num_rows: int, max_num_blocks: int, device: torch.device
    ) -> None:
        self._rows = rows
        self.trash_row = num_rows
        self.records = torch.zeros((num_rows + 1, len(Field)), dtype=torch.int64, device=device)
        self.block_tables = torch.full(
            (num_rows + 1, max_num_blocks), NULL_BLOCK, dtype=torch.int32, device=device
        )
        self.step_rows = torch.full((num_rows,), num_rows, dtype=torch.int64, device=device)
        self.num_uploaded = 0
        # What the device has, as far as it is known here.
        self._step_rows = np.full(num_rows, num_rows)
        self._is_known = np.zeros(num_rows, dtype=np.bool_)
        self._lengths = np.zeros(num_rows, dtype=np.int64)
        self._versions = np.zeros(num_rows, dtype=np.int64)
        self._num_blocks = np.zeros(num_rows, dtype=np.int64)

    def update(self, sequences: list[Sequence], size: int) -> Integers:
        """Make a step of these sequences, padded to `size` rows; returns their rows."""
        rows = self._rows.update(sequences)
        is_new = self._versions[rows] != self._rows.versions[rows]
        self._upload(
            self._changed_step(rows, size),
            *self._changed_records(sequences, rows, is_new),
            *self._grown_tables(rows, is_new),
        )
        self._versions[rows] = self._rows.versions[rows]
        return rows

    def advance(self, rows: Integers) -> None:
        """Note that the device has taken its own token for each of these rows."""
        self._lengths[rows] += 1

    def forget(self, rows: Integers) -> None:
        """Note that somebody else chooses their tokens."""
        self._is_known[rows] = False

    def _changed_step(self, rows: Integers, size: int) -> Integers:
        """The rows of the step, or nothing where they are those of the last."""
        step_rows = np.full(size, self.trash_row)
        step_rows[: len(rows)] = rows
        if np.array_equal(self._step_rows[:size], step_rows):
            return step_rows[:0]
        self._step_rows[:size] = step_rows
        return step_rows

    def _changed_records(
        self, sequences: list[Sequence], rows: Integers, is_new: NDArray[np.bool_]
    ) -> tuple[Integers, Integers]:
        """Rows whose record is not what the device has, and their records, flat."""
        lengths = np.array([sequence.num_computed_tokens for sequence in sequences])
        is_stale = is_new | ~self._is_known[rows] | (self._lengths[rows] != lengths)
        stale = rows[is_stale]
        self._is_known[stale] = True
        self._lengths[stale] = lengths[is_stale]
        sampling = self._rows.sampling[stale]
        records = np.empty((len(stale), len(Field)), dtype=np.int64)
        records[:, Field.TOKEN] = [sequences[at].token_ids[-1] for at in np.flatnonzero(is_stale)]
        records[:, Field.LENGTH] = lengths[is_stale]
        records[:, Field.SEED] = sampling["seed"].view(np.int64)
        records[:, Field.TOP_K] = sampling["top_k"]
        records[:, Field.WAY] = ways_of(sampling)
        for field, name in (
            (Field.TEMPERATURE, "temperature"),
            (Field.TOP_P, "top_p"),
            (Field.MIN_P, "min_p"),
        ):
            records[:, field] = sampling[name].astype(np.float64).view(np.int64)
        return stale, records.ravel()

    def _grown_tables(self, rows: Integers, is_new: NDArray[np.bool_]) -> tuple[Integers, Integers]:
        """Places in the flat block tables, and the blocks that go there."""
        starts = np.where(is_new, 0, self._num_blocks[rows])
        ends = self._rows.num_blocks[rows]
        width = self.block_tables.shape[1]
        indexes, blocks = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for at in np.flatnonzero(starts < ends):
            row, start, end = rows[at], starts[at], ends[at]
            indexes.append(np.arange(row * width + start, row * width + end))
            blocks.append(self._rows.block_tables[row, start:end].astype(np.int64))
        self._num_blocks[rows] = ends
        return np.concatenate(indexes), np.concatenate(blocks)

    def _upload(self, *parts: Integers) -> None:
        """One copy, whatever has changed; nothing where nothing has."""
        lengths = [len(part) for part in parts]
        if not any(lengths):
            return
        packed = torch.from_numpy(np.concatenate(parts))
        self.num_uploaded += len(packed)
        if self.records.device.type == "cuda":
            packed = packed.pin_memory()  # torch keeps it until the copy has ended
        uploaded = packed.to(self.records.device, non_blocking=True).split(lengths)
        step_rows, stale, records, indexes, blocks = uploaded
        if len(step_rows):
            self.step_rows[: len(step_rows)] = step_rows
        if len(stale):
            self.records.index_copy_(0, stale, records.view(-1, len(Field)))
        if len(indexes):
            self.block_tables.view(-1).index_copy_(0, indexes, blocks.int())


def float_column(records: Tensor, field: Field) -> Tensor:
    """[num_rows, 1] float32 of [num_rows, len(Field)] records."""
    return records.view(torch.float64)[:, field, None].float()
