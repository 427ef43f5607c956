"""Fused over our own kernels, a model still says what transformers says."""

import pytest
import torch
from torch import nn
from transformers.activations import ACT2FN

from antiphon.models.attention import ATTENTION_NAME
from antiphon.models.device_parts import DeviceParts
from antiphon.models.fusion.torch_kernels import TorchKernels
from antiphon.models.fusion.triton_kernels import TritonKernels
from antiphon.models.network import Network
from antiphon.models.sdpa_attention import SdpaAttention
from tests.models.fusion.test_swaps import tiny_model
from tests.models.test_architectures import BASE

LAYERS = BASE["num_hidden_layers"]
pytestmark = pytest.mark.skipif(
    torch.cuda.is_available(), reason="tests/gpu compares every architecture over the kernels"
)


@pytest.mark.parametrize(
    "model_type",
    ["llama", *(pytest.param(name, marks=pytest.mark.slow) for name in ("qwen3", "gemma", "glm"))],
)
@torch.inference_mode()
def test_a_model_of_our_kernels_gives_the_logits_of_transformers(model_type: str) -> None:
    model, reference = tiny_model(model_type), tiny_model(model_type)
    reference.set_attn_implementation("eager")
    token_ids = torch.arange(3, 12)[None]
    expected = reference(input_ids=token_ids, use_cache=False).logits
    parts = DeviceParts(SdpaAttention(), TritonKernels())
    network = Network(model, max_state_rows=2, parts=parts)
    assert network.fusion.counts["decoder layers"] == LAYERS
    assert model.config._attn_implementation == ATTENTION_NAME
    actual = model(input_ids=token_ids, use_cache=False).logits
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["silu", "swish", "gelu_pytorch_tanh", "gelu_new", "gelu", "relu"])
def test_every_activation_opens_its_gate_as_torch_does(name: str) -> None:
    activation: nn.Module = ACT2FN[name]
    gate_up = 3 * torch.randn(2, 3, 20, generator=torch.Generator().manual_seed(0))
    expected = TorchKernels().gate(gate_up, activation)
    actual = TritonKernels().gate(gate_up, activation)
    torch.testing.assert_close(actual, expected, atol=1e-6, rtol=1e-5)
