"""What bound layers read of a pass: for all passes of one shape, arrays in the same memory."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from antiphon.models.cpu_kernels.arrays import Floats, Integers, as_rows
from antiphon.models.forward_batch import ForwardBatch, SequenceTables

MAX_SHAPES = 8  # that are remembered


@dataclass(frozen=True, slots=True)
class PassShape:
    """max_num_blocks  of a sequence, rounded up: contexts grow from step to step."""

    num_tokens: int
    num_sequences: int
    max_num_blocks: int
    rotary_dim: int


@dataclass(frozen=True, slots=True)
class PassArrays:
    """
    cosines, sines  [num_tokens, rotary_dim]
    slots           [num_tokens]
    tables          query_starts, context_lens and block_tables, as in `SequenceTables`
    of_layers       what layers keep here, as long as this is kept
    """

    cosines: Floats
    sines: Floats
    slots: NDArray[np.int64]
    tables: tuple[Integers, Integers, Integers]
    of_layers: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def empty(cls, shape: PassShape) -> Self:
        angles = (shape.num_tokens, shape.rotary_dim)
        return cls(
            np.empty(angles, np.float32),
            np.empty(angles, np.float32),
            np.empty(shape.num_tokens, np.int64),
            (
                np.empty(shape.num_sequences + 1, np.int32),
                np.empty(shape.num_sequences, np.int32),
                np.zeros((shape.num_sequences, shape.max_num_blocks), np.int32),
            ),
        )

    @property
    def num_tokens(self) -> int:
        return len(self.slots)

    @property
    def max_num_blocks(self) -> int:
        return int(self.tables[2].shape[1])

    def fill(self, batch: ForwardBatch, tables: SequenceTables) -> None:
        self.slots[:] = batch.slot_mapping.numpy()
        query_starts, context_lens, block_tables = self.tables
        query_starts[:] = tables.query_starts.numpy()
        context_lens[:] = tables.context_lens.numpy()
        block_tables[:, : tables.block_tables.shape[1]] = tables.block_tables.numpy()

    def turn(self, cosines: Tensor, sines: Tensor) -> None:
        """[b or 1, s, rotary_dim] each."""
        self.cosines[:] = as_rows(cosines)
        self.sines[:] = as_rows(sines)


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
        if self._arrays is None or batch is not self._batch or angles is not self._angles:
            shape = _shape(batch, tables, angles)
            arrays = self._by_shape.pop(shape, None) or PassArrays.empty(shape)
            self._by_shape[shape] = arrays
            if len(self._by_shape) > MAX_SHAPES:
                self._by_shape.popitem(last=False)
            arrays.fill(batch, tables)
            if angles is not None:
                arrays.turn(*angles)
            self._batch, self._angles, self._arrays = batch, angles, arrays
        return self._arrays


def _shape(
    batch: ForwardBatch, tables: SequenceTables, angles: tuple[Tensor, Tensor] | None
) -> PassShape:
    num_blocks = tables.block_tables.shape[1]
    return PassShape(
        num_tokens=len(batch.slot_mapping),
        num_sequences=len(tables.context_lens),
        max_num_blocks=1 << (num_blocks - 1).bit_length(),
        rotary_dim=angles[0].shape[-1] if angles is not None else 0,
    )
