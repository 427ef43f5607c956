"""Paged attention against plain arithmetic: every kind of layer, context and split."""

from dataclasses import replace

import pytest
import torch

from antiphon.models.forward_batch import VisibleRange
from tests.models.kernels.paged_case import (
    PagedCase,
    PagedInputs,
    assert_close,
    check_paged_attention,
)

pytestmark = pytest.mark.slow  # as Triton's interpreter is; one model over the kernel is quick

# Contexts that end in, at and behind the edges of blocks; one row is padding.
DECODE = PagedCase(query_lens=(1,) * 6, context_lens=(33, 0, 1, 16, 17, 70))
# A whole prompt, the end of a long one, padding, one token, and a draft's verification.
EXTEND = PagedCase(query_lens=(10, 13, 3, 1, 5), context_lens=(10, 70, 0, 33, 64))

PASSES = [pytest.param(DECODE, id="decode"), pytest.param(EXTEND, id="extend")]
LAYERS = [
    pytest.param({}, id="plain"),
    pytest.param({"visible": VisibleRange(window=9)}, id="window"),
    pytest.param({"visible": VisibleRange(chunk_size=8)}, id="chunks"),
    pytest.param({"softcap": 3.0}, id="softcap"),
    pytest.param({"has_sinks": True}, id="sinks"),
    pytest.param({"visible": VisibleRange(window=40), "has_sinks": True}, id="window and sinks"),
    pytest.param({"visible": VisibleRange(window=40), "softcap": 3.0}, id="window and softcap"),
]
HEADS = [(2, 2), (4, 1), (7, 1), (8, 1), (17, 1)]
DIMS = [(80, 80), (128, 128), (192, 128), (16, 8)]


@pytest.mark.parametrize("num_splits", [1, 3])
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("case", PASSES)
def test_every_kind_of_layer_attends_as_arithmetic_says(
    case: PagedCase, layer: dict[str, object], num_splits: int, device: torch.device
) -> None:
    check_paged_attention(replace(case, **layer), num_splits, device)  # type: ignore[arg-type]


@pytest.mark.parametrize(("num_heads", "num_kv_heads"), HEADS)
@pytest.mark.parametrize("case", PASSES)
def test_any_number_of_heads_shares_a_key_head(
    case: PagedCase, num_heads: int, num_kv_heads: int, device: torch.device
) -> None:
    case = replace(case, num_heads=num_heads, num_kv_heads=num_kv_heads)
    check_paged_attention(case, num_splits=1, device=device)


@pytest.mark.parametrize(("key_dim", "value_dim"), DIMS)
@pytest.mark.parametrize("case", PASSES)
def test_dims_need_not_be_powers_of_two(
    case: PagedCase, key_dim: int, value_dim: int, device: torch.device
) -> None:
    case = replace(case, key_dim=key_dim, value_dim=value_dim)
    check_paged_attention(case, num_splits=2, device=device)


@pytest.mark.parametrize("block_size", [1, 3, 16, 32, 128])
@pytest.mark.parametrize("case", PASSES)
def test_blocks_have_any_size(case: PagedCase, block_size: int, device: torch.device) -> None:
    check_paged_attention(replace(case, block_size=block_size), num_splits=2, device=device)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("case", PASSES)
def test_sixteen_bits_lose_no_more_than_their_rounding(
    case: PagedCase, dtype: torch.dtype, device: torch.device
) -> None:
    if dtype is torch.bfloat16 and device.type == "cpu":
        pytest.skip("Triton's interpreter multiplies matrices of bfloat16 as if they were integers")
    check_paged_attention(replace(case, dtype=dtype), num_splits=2, device=device)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_number_of_splits_gives_the_same(
    layer: dict[str, object], device: torch.device
) -> None:
    case = PagedCase((1, 5), (90, 64), num_heads=2, num_kv_heads=1, **layer)  # type: ignore[arg-type]
    inputs = PagedInputs.random(case, device)
    whole = inputs.attend(num_splits=1)
    for num_splits in range(2, 9):
        assert_close(inputs.attend(num_splits), whole, torch.float32)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_last_token_of_a_chunk_is_what_decoding_it_gives(
    layer: dict[str, object], device: torch.device
) -> None:
    chunk = replace(EXTEND, query_lens=(13,), context_lens=(50,), **layer)  # type: ignore[arg-type]
    extended = PagedInputs.random(chunk, device)
    decoded = replace(
        extended,
        case=replace(chunk, query_lens=(1,)),
        queries=[extended.queries[0][-1:]],
        tables=replace(
            extended.tables,
            query_starts=torch.tensor([0, 1], dtype=torch.int32, device=device),
            max_query_len=1,
        ),
    )
    assert_close(decoded.attend(num_splits=3), extended.attend()[-1:], torch.float32)


@pytest.mark.parametrize("num_splits", [1, 3])
@pytest.mark.parametrize("has_sinks", [False, True])
def test_padding_gives_zeros(has_sinks: bool, num_splits: int, device: torch.device) -> None:
    case = PagedCase(query_lens=(1, 4), context_lens=(0, 0), has_sinks=has_sinks)
    output = PagedInputs.random(case, device).attend(num_splits)
    assert torch.equal(output, torch.zeros_like(output))


def test_a_pass_may_be_narrower_than_its_tables_say(device: torch.device) -> None:
    """A captured graph is launched for the longest query, and replayed with shorter ones."""
    inputs = PagedInputs.random(EXTEND, device)
    wider = replace(inputs, tables=replace(inputs.tables, max_query_len=100))
    assert_close(wider.attend(num_splits=2), inputs.expected(), torch.float32)


def test_queries_may_lie_between_other_numbers(device: torch.device) -> None:
    """As they do in a packed projection of queries, keys and values."""
    inputs = PagedInputs.random(DECODE, device)
    packed = [torch.cat([query, query + 1, query + 2], dim=1) for query in inputs.queries]
    num_heads = DECODE.num_heads
    sliced = torch.cat(packed)[:, :num_heads].split(1)
    assert_close(replace(inputs, queries=list(sliced)).attend(), inputs.expected(), torch.float32)
