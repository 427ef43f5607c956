import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from antiphon.engine.batches import BatchBuilder, is_decode, similar_runs
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.scheduler import ScheduledSequence
from antiphon.engine.sequence import Sequence


def scheduled(
    num_tokens: int,
    num_computed: int,
    num_scheduled: int,
    table: list[int],
    *,
    row: int = 5,
    drafts: tuple[int, ...] = (),
) -> ScheduledSequence:
    sequence = Sequence(0, list(range(100, 100 + num_tokens)), SamplingParams(), seed=0)
    sequence.num_computed_tokens, sequence.block_table, sequence.row = num_computed, table, row
    is_sampled = num_computed + num_scheduled - len(drafts) == num_tokens
    return ScheduledSequence(sequence, num_scheduled, is_sampled, drafts)


def test_a_packed_batch_lays_chunks_end_to_end() -> None:
    builder = BatchBuilder(block_size=4, device=torch.device("cpu"))
    batch = builder.pack([scheduled(6, 0, 6, [3, 1]), scheduled(9, 4, 2, [2, 7], row=2)])
    assert batch.token_ids.tolist() == [[100, 101, 102, 103, 104, 105, 104, 105]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 3, 4, 5, 4, 5]]
    assert batch.slot_mapping.tolist() == [12, 13, 14, 15, 4, 5, 28, 29]
    assert [(span.start, span.end, span.offset) for span in batch.spans] == [(0, 6, 0), (6, 8, 4)]
    assert batch.spans[1].block_table is not None
    assert batch.spans[1].block_table.tolist() == [2, 7]
    assert batch.fresh_blocks.tolist() == [3, 1, 7]
    assert batch.logit_rows is not None
    assert batch.logit_rows.tolist() == [5], "the second chunk does not reach its sequence's end"


def test_a_stacked_batch_pads_contexts_with_the_null_block() -> None:
    builder = BatchBuilder(block_size=4, device=torch.device("cpu"))
    batch = builder.stack([scheduled(4, 3, 1, [2]), scheduled(6, 5, 1, [3, 1], row=2)])
    assert batch.token_ids.tolist() == [[103], [105]]
    assert batch.position_ids.tolist() == [[3], [5]]
    assert batch.slot_mapping.tolist() == [11, 5]
    (group,) = batch.groups
    assert group.block_tables.tolist() == [[2, 0], [3, 1]]
    assert group.context_lens.tolist() == [4, 6]
    assert group.max_context_len == 6
    assert batch.fresh_blocks.tolist() == []
    assert group.is_padded


def test_one_token_that_does_not_reach_the_end_is_no_decode() -> None:
    assert is_decode(scheduled(4, 3, 1, [1]))
    assert not is_decode(scheduled(5, 3, 1, [1, 2]))
    assert not is_decode(scheduled(1, 0, 1, [1])), "nothing is computed before it"


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=50))
def test_runs_cover_every_length_once_and_waste_less_than_half(lengths: list[int]) -> None:
    ascending = np.array(sorted(lengths))
    runs = similar_runs(ascending)
    assert [row for start, end in runs for row in range(start, end)] == list(range(len(lengths)))
    assert all(ascending[end - 1] <= 2 * ascending[start] for start, end in runs)
