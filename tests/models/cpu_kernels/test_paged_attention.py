"""Attention by compiled loops against plain arithmetic: every kind of layer and context."""

from dataclasses import replace

import pytest
import torch

from antiphon.models.cpu_kernels.paged_attention import paged_attention
from antiphon.models.forward_batch import VisibleRange
from tests.models.kernels.paged_case import PagedCase, PagedInputs, assert_close
from tests.models.kernels.test_paged_attention import DIMS, EXTEND, HEADS, LAYERS, PASSES

# Parts of 128 keys: contexts that end in, at and behind the edges of parts.
LONG = PagedCase(query_lens=(1, 1, 2, 1), context_lens=(256, 257, 1025, 40))


def attend(inputs: PagedInputs) -> torch.Tensor:
    query = torch.cat(inputs.queries)
    return paged_attention(query, inputs.kv, inputs.tables, inputs.case.visible, inputs.scoring)


def check(case: PagedCase) -> None:
    inputs = PagedInputs.random(case, torch.device("cpu"))
    assert_close(attend(inputs), inputs.expected(), torch.float32)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("case", [*PASSES, pytest.param(LONG, id="long")])
def test_every_kind_of_layer_attends_as_arithmetic_says(
    case: PagedCase, layer: dict[str, object]
) -> None:
    check(replace(case, **layer))  # type: ignore[arg-type]


@pytest.mark.parametrize(("num_heads", "num_kv_heads"), [*HEADS, (5, 1), (14, 2)])
@pytest.mark.parametrize("case", PASSES)
def test_any_number_of_heads_shares_a_key_head(
    case: PagedCase, num_heads: int, num_kv_heads: int
) -> None:
    check(replace(case, num_heads=num_heads, num_kv_heads=num_kv_heads))


@pytest.mark.parametrize(("key_dim", "value_dim"), [*DIMS, (5, 3)])
@pytest.mark.parametrize("case", PASSES)
def test_heads_have_any_size(case: PagedCase, key_dim: int, value_dim: int) -> None:
    check(replace(case, key_dim=key_dim, value_dim=value_dim))


@pytest.mark.parametrize("block_size", [1, 3, 32, 128])
@pytest.mark.parametrize("case", PASSES)
def test_blocks_have_any_size(case: PagedCase, block_size: int) -> None:
    check(replace(case, block_size=block_size))


def test_a_window_reads_nothing_that_lies_far_behind() -> None:
    check(replace(LONG, visible=VisibleRange(window=9)))


@pytest.mark.parametrize("has_sinks", [False, True])
def test_padding_gives_zeros(has_sinks: bool) -> None:
    case = PagedCase(query_lens=(1, 4), context_lens=(0, 0), has_sinks=has_sinks)
    output = attend(PagedInputs.random(case, torch.device("cpu")))
    assert torch.equal(output, torch.zeros_like(output))


def test_a_token_s_output_is_the_same_to_the_last_bit_beside_any_others() -> None:
    together = PagedInputs.random(LONG, torch.device("cpu"))
    alone = replace(
        together,
        case=replace(LONG, query_lens=(1,), context_lens=(257,)),
        queries=[together.queries[1]],
        tables=replace(
            together.tables,
            query_starts=torch.tensor([0, 1], dtype=torch.int32),
            context_lens=together.tables.context_lens[1:2],
            block_tables=together.tables.block_tables[1:2],
        ),
    )
    assert torch.equal(attend(together)[1], attend(alone)[0])


def test_a_key_that_is_no_number_shows_and_harms_no_other_sequence() -> None:
    inputs = PagedInputs.random(LONG, torch.device("cpu"))
    block, offset = divmod(200, LONG.block_size)
    inputs.kv.keys.blocks[inputs.tables.block_tables[1, block], offset] = torch.nan
    output = attend(inputs)
    assert output[1].isnan().all()
    assert_close(output[[0, 2, 3, 4]], inputs.expected()[[0, 2, 3, 4]], torch.float32)


def test_queries_may_lie_between_other_numbers() -> None:
    inputs = PagedInputs.random(EXTEND, torch.device("cpu"))
    query = torch.cat(inputs.queries)
    packed = torch.cat([query + 1, query, query + 2], dim=1)[:, EXTEND.num_heads :]
    sliced = packed[:, : EXTEND.num_heads].split(list(EXTEND.query_lens))
    assert_close(attend(replace(inputs, queries=list(sliced))), inputs.expected(), torch.float32)
