"""Norms equal those of transformers' own modules."""

import pytest
import torch
from torch import Tensor, nn
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from antiphon.models.kernels.rms_norm import NormScale, add_rms_norm, rms_norm

EPSILON = 1e-5
MODULES = [
    pytest.param(LlamaRMSNorm, NormScale.WEIGHT, id="weight"),
    pytest.param(GemmaRMSNorm, NormScale.ONE_PLUS_WEIGHT, id="one plus weight"),
]
# A sum in another order may turn the last bit of float32, and so, rarely, that of 16 bits. The
# interpreter rounds to bfloat16 towards zero, a GPU to the nearest.
TOLERANCES = {torch.float32: 1e-5, torch.float16: 2**-9, torch.bfloat16: 2**-6}


def module_of(
    kind: type[nn.Module], dim: int, dtype: torch.dtype, device: torch.device
) -> nn.Module:
    module = kind(dim, eps=EPSILON).to(device, dtype)
    nn.init.normal_(module.weight)  # type: ignore[arg-type]
    return module


def assert_close(actual: Tensor, expected: Tensor) -> None:
    tolerance = TOLERANCES[expected.dtype]
    torch.testing.assert_close(actual, expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("shape", [(1, 5, 64), (3, 1, 48), (2, 3, 4, 16), (7, 1536)])
@pytest.mark.parametrize(("kind", "scale"), MODULES)
@torch.inference_mode()
def test_a_norm_is_that_of_transformers(
    kind: type[nn.Module],
    scale: NormScale,
    shape: tuple[int, ...],
    dtype: torch.dtype,
    device: torch.device,
) -> None:
    module = module_of(kind, shape[-1], dtype, device)
    hidden = 3 * torch.randn(shape, device=device, dtype=dtype)
    normed = rms_norm(hidden, module.weight, EPSILON, scale)  # type: ignore[arg-type]
    assert_close(normed, module(hidden))


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(("kind", "scale"), MODULES)
@torch.inference_mode()
def test_a_residual_is_added_and_kept(
    kind: type[nn.Module], scale: NormScale, dtype: torch.dtype, device: torch.device
) -> None:
    module = module_of(kind, 48, dtype, device)
    hidden, residual = torch.randn(2, 1, 5, 48, device=device).to(dtype)
    normed, summed = add_rms_norm(hidden, residual, module.weight, EPSILON, scale)  # type: ignore[arg-type]
    assert_close(summed, hidden + residual)
    assert_close(normed, module(summed))


@torch.inference_mode()
def test_heads_of_a_packed_projection_are_normalized_where_they_lie(device: torch.device) -> None:
    module = module_of(LlamaRMSNorm, 16, torch.float32, device)
    packed = torch.randn(1, 3, 8, 16, device=device)
    heads = packed[:, :, 2:6]
    normed = rms_norm(heads, module.weight, EPSILON, NormScale.WEIGHT)  # type: ignore[arg-type]
    assert_close(normed, module(heads))


@torch.inference_mode()
def test_a_float32_weight_gives_float32_as_in_transformers(device: torch.device) -> None:
    module = module_of(LlamaRMSNorm, 32, torch.float32, device)
    hidden = torch.randn(4, 32, device=device, dtype=torch.float16)
    normed = rms_norm(hidden, module.weight, EPSILON, NormScale.WEIGHT)  # type: ignore[arg-type]
    assert_close(normed, module(hidden))
