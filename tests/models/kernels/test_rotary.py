"""Rotation equals transformers' `apply_rotary_pos_emb`."""

import pytest
import torch
from torch import Tensor
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb
from transformers.models.stablelm.modeling_stablelm import rotate_half

from antiphon.models.kernels.rotary import rotate

# In 16 bits transformers rounds two products and their sum, and we the sum alone.
TOLERANCES = {torch.float32: 1e-6, torch.float16: 2**-8, torch.bfloat16: 2**-5}


def angles(
    batch_size: int, num_tokens: int, rotary_dim: int, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    half = torch.rand(batch_size, num_tokens, rotary_dim // 2, device=device) * 6
    whole = torch.cat([half, half], dim=-1)
    return whole.cos().to(dtype), whole.sin().to(dtype)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(
    ("batch_size", "num_tokens", "num_heads", "num_kv_heads", "dim"),
    [(1, 5, 4, 2, 64), (3, 1, 17, 1, 16), (2, 3, 7, 7, 80)],
)
def test_heads_are_turned_as_in_transformers(
    batch_size: int,
    num_tokens: int,
    num_heads: int,
    num_kv_heads: int,
    dim: int,
    dtype: torch.dtype,
    device: torch.device,
) -> None:
    query = torch.randn(batch_size, num_tokens, num_heads, dim, device=device).to(dtype)
    key = torch.randn(batch_size, num_tokens, num_kv_heads, dim, device=device).to(dtype)
    query, key = query.transpose(1, 2), key.transpose(1, 2)
    cosines, sines = angles(batch_size, num_tokens, dim, dtype, device)
    rotated = rotate(query, key, cosines, sines)
    for actual, expected in zip(
        rotated, apply_rotary_pos_emb(query, key, cosines, sines), strict=True
    ):
        tolerance = TOLERANCES[dtype]
        torch.testing.assert_close(actual, expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("rotary_dim", [8, 20, 32])
def test_what_lies_behind_the_angles_stays(rotary_dim: int, device: torch.device) -> None:
    query, key = torch.randn(2, 1, 3, 4, 80, device=device)
    cosines, sines = angles(1, 4, rotary_dim, torch.float32, device)
    for actual, states in zip(rotate(query, key, cosines, sines), (query, key), strict=True):
        turned, rest = states[..., :rotary_dim], states[..., rotary_dim:]
        assert torch.equal(actual[..., rotary_dim:], rest)
        expected = turned * cosines[:, None] + rotate_half(turned) * sines[:, None]
        torch.testing.assert_close(actual[..., :rotary_dim], expected)


def test_one_row_of_angles_serves_a_whole_batch(device: torch.device) -> None:
    query, key = torch.randn(2, 3, 2, 4, 16, device=device)
    cosines, sines = angles(1, 4, 16, torch.float32, device)
    expected = apply_rotary_pos_emb(query, key, cosines, sines)
    torch.testing.assert_close(tuple(rotate(query, key, cosines, sines)), expected)
