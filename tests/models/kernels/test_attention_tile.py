"""The sizes of tiles, which nobody can tune while a server runs."""

import pytest
import torch

from antiphon.models.kernels.attention_tile import AttentionTile, Gpu, padded

HOPPER = Gpu(num_processors=132, shared_memory_bytes=227 * 2**10)
CONSUMER = Gpu(num_processors=46, shared_memory_bytes=99 * 2**10)


def fit(
    max_query_len: int,
    group_size: int,
    dim: int = 128,
    dtype: torch.dtype = torch.bfloat16,
    gpu: Gpu = HOPPER,
) -> AttentionTile:
    return AttentionTile.fit(
        max_query_len=max_query_len,
        group_size=group_size,
        key_dim=dim,
        value_dim=dim,
        dtype=dtype,
        gpu=gpu,
    )


def test_decoding_fills_the_smallest_tile_of_a_tensor_core() -> None:
    assert fit(max_query_len=1, group_size=4) == AttentionTile(16, 64, 4, 5)


def test_prompts_fill_the_largest_tile() -> None:
    assert fit(max_query_len=512, group_size=4) == AttentionTile(128, 64, 8, 5)


def test_a_draft_takes_as_many_rows_as_its_tokens_need() -> None:
    assert fit(max_query_len=5, group_size=4).num_rows == 32


def test_all_heads_of_a_group_fit_into_a_tile() -> None:
    assert fit(max_query_len=1, group_size=71).num_rows == 128


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("dim", [64, 80, 128, 256, 512])
@pytest.mark.parametrize("gpu", [HOPPER, CONSUMER], ids=["hopper", "consumer"])
@pytest.mark.parametrize("max_query_len", [1, 512])
def test_queries_and_what_is_on_its_way_fit_into_shared_memory(
    max_query_len: int, gpu: Gpu, dim: int, dtype: torch.dtype
) -> None:
    tile = fit(max_query_len, 4, dim, dtype, gpu)
    query_bytes = tile.num_rows * padded(dim) * dtype.itemsize
    step_bytes = tile.num_keys * 2 * padded(dim) * dtype.itemsize
    assert query_bytes + (tile.num_stages // 2) * step_bytes <= gpu.shared_memory_bytes
