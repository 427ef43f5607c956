"""What bound layers read of a pass: for all passes of one shape, arrays in the same memory."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from antiphon.models.cpu_kernels.arrays import Floats, Integers, as_rows
from antiphon.models.forward_batch import ForwardBatch, SequenceTables

MAX_SHAPES = 16  # that are remembered
# Tokens are filled up to one of these: drafts change their number from step to step.
NUM_TOKENS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
MAX_TOKENS = NUM_TOKENS[-1]


@dataclass(frozen=True, slots=True)
class PassShape:
    """Rounded up, all but the last."""

    num_tokens: int
    max_num_blocks: int
    rotary_dim: int

    @classmethod
    def of(
        cls,
        batch: ForwardBatch,
        tables: SequenceTables,
        angles: tuple[Tensor, Tensor] | None,
    ) -> Self:
        num_tokens = len(batch.slot_mapping)
        return cls(
            num_tokens=next(number for number in NUM_TOKENS if number >= num_tokens),
            max_num_blocks=1 << (tables.block_tables.shape[1] - 1).bit_length(),
            rotary_dim=angles[0].shape[-1] if angles is not None else 0,
        )


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class PassArrays:
    """The tokens of a pass, then padding: tokens of a sequence without keys, in the null block.

    cosines, sines  [num_tokens, rotary_dim]
    slots           [num_tokens]
    tables          query_starts, context_lens and block_tables as in `SequenceTables`, for as many
                    sequences as there are tokens, and one for the padding
    """

    shape: PassShape
    cosines: Floats
    sines: Floats
    slots: NDArray[np.int64]
    tables: tuple[Integers, Integers, Integers]

    @classmethod
    def empty(cls, shape: PassShape) -> Self:
        num_tokens = shape.num_tokens
        angles = (num_tokens, shape.rotary_dim)
        return cls(
            shape,
            np.zeros(angles, np.float32),
            np.zeros(angles, np.float32),
            np.zeros(num_tokens, np.int64),
            (
                np.zeros(num_tokens + 2, np.int32),
                np.zeros(num_tokens + 1, np.int32),
                np.zeros((num_tokens + 1, shape.max_num_blocks), np.int32),
            ),
        )

    def fill(self, batch: ForwardBatch, tables: SequenceTables) -> None:
        num_tokens, num_sequences = len(batch.slot_mapping), len(tables.context_lens)
        self.slots[:num_tokens] = batch.slot_mapping.numpy()
        self.slots[num_tokens:] = 0
        query_starts, context_lens, block_tables = self.tables
        query_starts[: num_sequences + 1] = tables.query_starts.numpy()
        query_starts[num_sequences + 1 :] = self.shape.num_tokens
        context_lens[:num_sequences] = tables.context_lens.numpy()
        context_lens[num_sequences:] = 0
        width = tables.block_tables.shape[1]
        block_tables[:num_sequences, :width] = tables.block_tables.numpy()

    def turn(self, cosines: Tensor, sines: Tensor, num_tokens: int) -> None:
        """[b or 1, s, rotary_dim] each."""
        self.cosines[:num_tokens] = as_rows(cosines)
        self.sines[:num_tokens] = as_rows(sines)


class Passes:
    """The arrays of the shapes of late, one of them filled with the pass that is computed."""

    def __init__(self) -> None:
        self._by_shape: OrderedDict[PassShape, PassArrays] = OrderedDict()
        self._batch: ForwardBatch | None = None
        self._angles: tuple[Tensor, Tensor] | None = None
        self._arrays: PassArrays | None = None

    def of(
        self, batch: ForwardBatch, tables: SequenceTables, angles: tuple[Tensor, Tensor] | None
    ) -> PassArrays:
        """For at most MAX_TOKENS."""
        if self._arrays is None or batch is not self._batch or angles is not self._angles:
            arrays = self._remembered(PassShape.of(batch, tables, angles))
            arrays.fill(batch, tables)
            if angles is not None:
                arrays.turn(*angles, len(batch.slot_mapping))
            self._batch, self._angles, self._arrays = batch, angles, arrays
        return self._arrays

    def _remembered(self, shape: PassShape) -> PassArrays:
        arrays = self._by_shape.pop(shape, None) or PassArrays.empty(shape)
        self._by_shape[shape] = arrays
        if len(self._by_shape) > MAX_SHAPES:
            self._by_shape.popitem(last=False)
        return arrays
