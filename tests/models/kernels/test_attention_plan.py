"""Into how many splits keys are cut: by shapes, never by lengths."""

import pytest
import torch

from antiphon.models.forward_batch import SequenceTables, VisibleRange
from antiphon.models.kernels.attention_plan import AttentionPlan, choose_num_splits
from antiphon.models.kernels.attention_tile import AttentionTile, Gpu
from antiphon.models.layer_kv import LayerKV, PagedStates

HOPPER = Gpu(num_processors=132, shared_memory_bytes=227 * 2**10)
TILE = AttentionTile(num_rows=16, num_keys=64, num_warps=4, num_stages=5)


@pytest.mark.parametrize(
    ("num_programs", "expected"), [(8, 33), (64, 4), (128, 2), (200, 1), (256, 1), (2048, 1)]
)
def test_few_sequences_are_split_until_the_gpu_is_full(num_programs: int, expected: int) -> None:
    assert (
        choose_num_splits(num_programs=num_programs, max_context_len=32768, tile=TILE, gpu=HOPPER)
        == expected
    )


@pytest.mark.parametrize(("max_context_len", "expected"), [(16, 1), (256, 2), (1024, 8)])
def test_short_contexts_are_not_cut_to_pieces(max_context_len: int, expected: int) -> None:
    assert (
        choose_num_splits(num_programs=8, max_context_len=max_context_len, tile=TILE, gpu=HOPPER)
        == expected
    )


@pytest.mark.parametrize(
    ("visible", "expected"),
    [(VisibleRange(), 66), (VisibleRange(window=1024), 8), (VisibleRange(chunk_size=512), 4)],
)
def test_what_a_layer_cannot_see_is_not_split(visible: VisibleRange, expected: int) -> None:
    """On the meta device: a plan reads no number of the tables."""
    with torch.device("meta"):
        states = PagedStates(torch.empty(2000, 16, 4, 128, dtype=torch.bfloat16))
        tables = SequenceTables(
            query_starts=torch.empty(2, dtype=torch.int32),
            context_lens=torch.empty(1, dtype=torch.int32),
            block_tables=torch.empty(1, 2000, dtype=torch.int32),
            max_query_len=1,
        )
        query = torch.empty(1, 32, 128, dtype=torch.bfloat16)
    plan = AttentionPlan.of(query, LayerKV(states, states), tables, visible, HOPPER)
    assert plan.num_splits == expected
