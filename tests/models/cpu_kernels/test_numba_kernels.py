"""The compiled loops compute what torch's operations compute."""

import pytest
import torch
from torch import Tensor, nn
from transformers.activations import ACT2FN

from antiphon.models.device_parts import DeviceParts
from antiphon.models.fusion.numba_kernels import NumbaKernels
from antiphon.models.fusion.rms_norm import RmsNorm
from antiphon.models.fusion.torch_kernels import TorchKernels

OURS, REFERENCE = NumbaKernels(), TorchKernels()


def random(*shape: int, seed: int = 0) -> Tensor:
    return 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("shape", [(1, 5, 64), (3, 1, 48), (2, 3, 4, 16), (7, 1536)])
def test_norms(shape: tuple[int, ...], offset: int) -> None:
    norm = RmsNorm.of(random(shape[-1]), 1e-5, offset)
    hidden, residual = random(*shape), random(*shape, seed=1)
    torch.testing.assert_close(OURS.rms_norm(hidden, norm), REFERENCE.rms_norm(hidden, norm))
    for actual, expected in zip(
        OURS.add_rms_norm(hidden, residual, norm),
        REFERENCE.add_rms_norm(hidden, residual, norm),
        strict=True,
    ):
        torch.testing.assert_close(actual, expected)


def test_norms_of_heads_that_lie_between_others() -> None:
    norm = RmsNorm.of(random(16), 1e-5, 0)
    heads = random(2, 3, 8, 16)[:, :, 2:6]
    torch.testing.assert_close(OURS.rms_norm(heads, norm), REFERENCE.rms_norm(heads, norm))


@pytest.mark.parametrize(("batch_size", "num_tokens"), [(1, 5), (3, 1), (2, 3)])
@pytest.mark.parametrize("rotary_dim", [8, 20, 80])
@pytest.mark.parametrize("angles_are_shared", [True, False])
def test_rotation(
    batch_size: int, num_tokens: int, rotary_dim: int, angles_are_shared: bool
) -> None:
    states = random(batch_size, num_tokens, 9, 80)[:, :, 1:8]
    num_rows = 1 if angles_are_shared else batch_size
    half = random(num_rows, num_tokens, rotary_dim // 2)
    angles = torch.cat([half, half], dim=-1)
    cos, sin = angles.cos(), angles.sin()
    expected = REFERENCE.rotate(states, cos, sin)
    torch.testing.assert_close(OURS.rotate(states, cos, sin), expected)


@pytest.mark.parametrize("name", ["silu", "swish", "gelu_pytorch_tanh", "gelu_new", "gelu", "relu"])
@pytest.mark.parametrize("shape", [(1, 3, 40), (2, 1, 2600), (5, 64)])
def test_gates(name: str, shape: tuple[int, ...]) -> None:
    activation: nn.Module = ACT2FN[name]
    expected = REFERENCE.gate(random(*shape), activation)
    torch.testing.assert_close(
        OURS.gate(random(*shape), activation), expected, atol=1e-5, rtol=1e-5
    )


def test_gates_far_from_zero_are_open_or_shut() -> None:
    silu = nn.SiLU()
    gate_up = torch.tensor([[1e30, -1e30, 2.0, 2.0]])
    torch.testing.assert_close(OURS.gate(gate_up, silu)[0, 0], torch.tensor(2e30))
    assert OURS.gate(gate_up, silu)[0, 1].abs() < 1e-3


@pytest.mark.parametrize(("dtype", "name"), [(torch.float32, "numba"), (torch.bfloat16, "torch")])
def test_a_cpu_gets_compiled_loops_in_float32(dtype: torch.dtype, name: str) -> None:
    parts = DeviceParts.of(torch.device("cpu"), dtype)
    assert parts.kernels.name == name
    assert parts.attention.needs_tables is (name == "numba")


def test_without_openmp_a_cpu_gets_torch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.models.device_parts.has_openmp", lambda: False)
    parts = DeviceParts.of(torch.device("cpu"), torch.float32)
    assert parts.kernels.name == "torch"
