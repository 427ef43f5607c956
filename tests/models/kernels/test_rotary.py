"""Rotation equals transformers' `apply_rotary_pos_emb`."""

import pytest
import torch
from torch import Tensor
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb
from transformers.models.stablelm.modeling_stablelm import rotate_half

from antiphon.models.kernels.rotary import rotate

# Triton's interpreter cuts bfloat16 off where a GPU rounds: there it is exact as well (tests/gpu).
TOLERANCES = {torch.float32: 1e-6, torch.float16: 0.0, torch.bfloat16: 2**-5}


def angles(
    batch_size: int, num_tokens: int, rotary_dim: int, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    half = torch.rand(batch_size, num_tokens, rotary_dim // 2, device=device) * 6
    whole = torch.cat([half, half], dim=-1)
    return whole.cos().to(dtype), whole.sin().to(dtype)


def expected_of(states: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    turned: Tensor
    turned, _ = apply_rotary_pos_emb(states, states, cosines, sines, unsqueeze_dim=2)
    return turned


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(
    ("batch_size", "num_tokens", "num_heads", "dim"), [(1, 5, 6, 64), (3, 1, 18, 16), (2, 3, 7, 80)]
)
def test_heads_are_turned_as_in_transformers(
    batch_size: int,
    num_tokens: int,
    num_heads: int,
    dim: int,
    dtype: torch.dtype,
    device: torch.device,
) -> None:
    states = torch.randn(batch_size, num_tokens, num_heads, dim, device=device).to(dtype)
    cosines, sines = angles(batch_size, num_tokens, dim, dtype, device)
    torch.testing.assert_close(
        rotate(states, cosines, sines),
        expected_of(states, cosines, sines),
        atol=TOLERANCES[dtype],
        rtol=TOLERANCES[dtype],
    )


@pytest.mark.parametrize("rotary_dim", [8, 20, 32])
def test_what_lies_behind_the_angles_stays(rotary_dim: int, device: torch.device) -> None:
    states = torch.randn(1, 4, 3, 80, device=device)
    cosines, sines = angles(1, 4, rotary_dim, torch.float32, device)
    rotated = rotate(states, cosines, sines)
    turned, rest = states[..., :rotary_dim], states[..., rotary_dim:]
    assert torch.equal(rotated[..., rotary_dim:], rest)
    expected = turned * cosines[:, :, None] + rotate_half(turned) * sines[:, :, None]
    torch.testing.assert_close(rotated[..., :rotary_dim], expected)


def test_one_row_of_angles_serves_a_whole_batch(device: torch.device) -> None:
    states = torch.randn(3, 4, 2, 16, device=device)
    cosines, sines = angles(1, 4, 16, torch.float32, device)
    torch.testing.assert_close(rotate(states, cosines, sines), expected_of(states, cosines, sines))


def test_heads_may_lie_between_those_of_others(device: torch.device) -> None:
    packed = torch.randn(2, 3, 6, 16, device=device)
    cosines, sines = angles(2, 3, 16, torch.float32, device)
    states = packed[:, :, 1:4]
    torch.testing.assert_close(rotate(states, cosines, sines), expected_of(states, cosines, sines))
