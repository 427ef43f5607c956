"""What steps need of running sequences as numpy columns, one row each, changed only where needed.

A step then gathers rows instead of building arrays out of lists.
"""

import numpy as np
from numpy.typing import NDArray

from antiphon.engine.block_manager import NULL_BLOCK
from antiphon.engine.sequence import Sequence

# One record a row. top_k is 0 where there is none; is_adjusted says that penalties or biases apply.
SAMPLING = np.dtype(
    [
        ("temperature", np.float64),
        ("top_p", np.float32),
        ("min_p", np.float32),
        ("top_k", np.int64),
        ("seed", np.uint64),
        ("is_adjusted", np.bool_),
        ("has_grammar", np.bool_),
        ("wants_logprobs", np.bool_),
    ],
    align=True,  # torch takes only columns whose stride is a multiple of their size
)
Records = NDArray[np.void]
FIRST_NUM_ROWS = 8
FIRST_NUM_BLOCKS = 16


class Rows:
    """Grows to as many rows and blocks as are used.

    block_tables  [num_rows, max_num_blocks] int32, padded with the null block.
    num_blocks    [num_rows] int64: how many of its blocks are written.
    versions      [num_rows] int64: changes whenever a row is written anew instead of growing.
    sampling      [num_rows] of SAMPLING.
    """

    def __init__(self) -> None:
        self.block_tables = np.full((FIRST_NUM_ROWS, FIRST_NUM_BLOCKS), NULL_BLOCK, dtype=np.int32)
        self.sampling = np.zeros(FIRST_NUM_ROWS, dtype=SAMPLING)
        self.num_blocks = np.zeros(FIRST_NUM_ROWS, dtype=np.int64)
        self.versions = np.zeros(FIRST_NUM_ROWS, dtype=np.int64)
        self._written: list[list[int] | None] = [None] * FIRST_NUM_ROWS
        self._num_written = [0] * FIRST_NUM_ROWS

    def update(self, sequences: list[Sequence]) -> NDArray[np.int64]:
        """Bring the rows of running sequences up to date; returns them, [num_sequences]."""
        rows = np.array([sequence.row for sequence in sequences])
        most = int(rows.max())
        if most >= len(self._written):
            self._grow(most + 1, 0)
        written, num_written = self._written, self._num_written
        for sequence in sequences:
            row: int = sequence.row  # type: ignore[assignment]  # it runs
            table = sequence.block_table
            if written[row] is not table or num_written[row] != len(table):
                self._write(row, sequence)
        return rows

    def _write(self, row: int, sequence: Sequence) -> None:
        table = sequence.block_table
        if len(table) > self.block_tables.shape[1]:
            self._grow(0, len(table))
        if self._written[row] is not table:  # another sequence's, or the same one's from before
            self._written[row], self._num_written[row] = table, 0
            self.versions[row] += 1
            self.block_tables[row] = NULL_BLOCK
            self.sampling[row] = _record(sequence)
        start = self._num_written[row]
        self.block_tables[row, start : len(table)] = table[start:]
        self._num_written[row] = self.num_blocks[row] = len(table)

    def _grow(self, num_rows: int, num_blocks: int) -> None:
        """To hold at least as many; twice what there was where that is more."""
        old_rows, old_blocks = self.block_tables.shape
        more_rows = max(num_rows, 2 * old_rows) - old_rows if num_rows > old_rows else 0
        more_blocks = max(num_blocks, 2 * old_blocks) - old_blocks if num_blocks > old_blocks else 0
        self.block_tables = np.pad(self.block_tables, ((0, more_rows), (0, more_blocks)))
        self.sampling = np.concatenate([self.sampling, np.zeros(more_rows, dtype=SAMPLING)])
        self.num_blocks = np.pad(self.num_blocks, (0, more_rows))
        self.versions = np.pad(self.versions, (0, more_rows))
        self._written += [None] * more_rows
        self._num_written += [0] * more_rows


def _record(sequence: Sequence) -> tuple[object, ...]:
    params = sequence.params
    return (
        params.temperature,
        params.top_p,
        params.min_p,
        min(params.top_k or 0, 2**31),
        sequence.seed % 2**64,
        params.has_penalties or bool(params.logit_bias),
        sequence.grammar is not None,
        params.num_top_logprobs is not None,
    )
