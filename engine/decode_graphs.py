"""A decode step as captured graphs: rows to tokens without a number passing the host.

For each of several batch sizes there is one graph of the network and one graph for each way of
sampling; a step takes the least size that holds it, padded with trash rows.
"""

import logging
from collections.abc import Iterator
from functools import partial

import torch

from antiphon.engine.device_rows import DeviceRows, Field, float_column
from antiphon.engine.model_runner import Forward
from antiphon.engine.random_stream import uniforms_on_device
from antiphon.engine.step_graph import Replay, StepGraphs
from antiphon.engine.token_draw import DrawParams, Way, draw
from antiphon.models.forward_batch import ForwardBatch, SequenceTables
from antiphon.models.progress import Progress

MAX_BATCH_SIZE = 256
# Rows that are sampled at a time: what sorting a large vocabulary takes is bounded so.
SAMPLED_ROWS = 64


def batch_sizes(max_num_seqs: int) -> list[int]:
    """1, 2, 4, then multiples of 4 to 16 and of 8 to the largest."""
    most = min(max_num_seqs, MAX_BATCH_SIZE)
    usual = [1, 2, 4, 8, 12, 16, *range(24, MAX_BATCH_SIZE + 1, 8)]
    return [*(size for size in usual if size < most), most]


def graph_bytes(max_num_seqs: int, vocab_size: int) -> int:
    """About what logits and sampling take; what the network takes besides is little.

    Of each row's logits there are three copies, in 32 and in 16 bits; a sampled row is sorted.
    """
    rows = batch_sizes(max_num_seqs)[-1]
    return vocab_size * (10 * rows + 40 * min(rows, SAMPLED_ROWS))


class DecodeGraphs:
    """Steps on the rows of `state`; all tensors of a step stay where they are.

    logits   [max_batch_size, vocab_size] float32, of the last `forward`.
    sampled  [max_batch_size] int64, of the last `sample`.
    """

    def __init__(self, network: Forward, state: DeviceRows, block_size: int) -> None:
        self._network = network
        self._state = state
        self._block_size = block_size
        self._sizes = batch_sizes(len(state.step_rows))
        shape = (self._sizes[-1], network.vocab_size)
        self.logits = torch.zeros(shape, dtype=torch.float32, device=network.device)
        self.sampled = torch.zeros(self._sizes[-1], dtype=torch.int64, device=network.device)
        self._forwards: dict[int, Replay] = {}
        self._samples: dict[tuple[int, Way], Replay] = {}

    @torch.inference_mode()
    def capture(self, graphs: StepGraphs, progress: Progress) -> None:
        """All of them, the largest first: it makes room for the others.

        Runs on trash rows alone. Raises RuntimeError where the network can't be captured.
        """
        total = len(self._sizes)
        megabytes: dict[int, int] = {}
        for done, size in enumerate(reversed(self._sizes)):
            progress("decode graphs", done, total, "steps")
            before = graphs.reserved_bytes
            self._forwards[size] = graphs.capture(partial(self._forward, size))
            for way in Way:
                self._samples[size, way] = graphs.capture(partial(self._sample, size, way))
            megabytes[size] = (graphs.reserved_bytes - before) // 2**20
        progress("decode graphs", total, total, "steps")
        taken = ", ".join(f"{size} rows {count}" for size, count in megabytes.items())
        logging.getLogger("antiphon.engine").info("MiB taken by decode graphs: %s", taken)

    def size_for(self, num_rows: int) -> int | None:
        """The least size that holds so many rows; None where none does."""
        return next((size for size in self._sizes if size >= num_rows), None)

    def forward(self, size: int) -> None:
        """Compute the logits of the step's first `size` rows."""
        self._forwards[size]()

    def sample(self, size: int, way: Way) -> None:
        """Draw their tokens, and let each row go on with its own.

        way  the dearest that any of the rows needs; each is drawn its own way.
        """
        self._samples[size, way]()

    def _forward(self, size: int) -> None:
        rows = self._state.step_rows[:size]
        records = self._state.records[rows]
        positions = records[:, Field.LENGTH]
        tables = self._state.block_tables[rows]
        blocks = tables.gather(1, (positions // self._block_size)[:, None])[:, 0].long()
        device = rows.device
        batch = ForwardBatch(
            token_ids=records[:, Field.TOKEN, None],
            position_ids=positions[:, None],
            slot_mapping=blocks * self._block_size + positions % self._block_size,
            fresh_blocks=rows[:0],
            spans=(),
            groups=(),
            logit_rows=None,
            state_rows=rows,
            has_state=True,
            tables=SequenceTables(
                query_starts=torch.arange(size + 1, dtype=torch.int32, device=device),
                context_lens=(positions + 1).int(),
                block_tables=tables,
                max_query_len=1,
            ),
        )
        self.logits[:size] = self._network.forward(batch)

    def _sample(self, size: int, dearest: Way) -> None:
        for start, end in _pieces(size):
            rows = self._state.step_rows[start:end]
            records = self._state.records[rows]
            lengths = records[:, Field.LENGTH]
            # A token's own position: it comes behind the one that was computed.
            uniforms = uniforms_on_device(records[:, Field.SEED], lengths + 1)
            params = DrawParams(
                temperature=float_column(records, Field.TEMPERATURE),
                top_k=records[:, Field.TOP_K, None],
                top_p=float_column(records, Field.TOP_P),
                min_p=float_column(records, Field.MIN_P),
                uniforms=uniforms[:, None],
            )
            logits = self.logits[start:end]
            token_ids = logits.argmax(dim=-1)
            for way in range(Way.WHOLE, dearest + 1):
                drawn = draw(logits, Way(way), params)
                token_ids = torch.where(records[:, Field.WAY] == way, drawn, token_ids)
            self.sampled[start:end] = token_ids
            records[:, Field.TOKEN] = token_ids
            records[:, Field.LENGTH] = lengths + (rows != self._state.trash_row)
            self._state.records.index_copy_(0, rows, records)


def _pieces(size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, size, SAMPLED_ROWS):
        yield start, min(start + SAMPLED_ROWS, size)
