"""Quantized checkpoints load, or say in one line what is missing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig

from antiphon.models.errors import UnsupportedModel
from antiphon.models.quantization import Quantization
from antiphon.models.quantized_loading import PACKAGES, check_packages, loading_arguments
from tests.engines import load_float32
from tests.tiny import write_tiny_llama

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def quantized(method: str) -> LlamaConfig:
    config = LlamaConfig()
    config.quantization_config = {"quant_method": method, "bits": 4}
    return config


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.models.quantized_loading.find_spec", lambda _: None)


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("method", PACKAGES)
def test_a_missing_package_is_named_with_the_way_to_get_it(method: str) -> None:
    with pytest.raises(UnsupportedModel) as caught:
        check_packages(quantized(method))
    message = str(caught.value)
    assert "\n" not in message
    assert method in message
    assert f"pip install {' '.join(PACKAGES[method].values())}" in message


@pytest.mark.parametrize("method", ["gptq", "awq", "compressed-tensors", "fp8", "mxfp4"])
def test_a_checkpoint_that_cannot_be_loaded_here_fails_in_one_line(
    method: str, tmp_path: Path
) -> None:
    """Whether a package is missing or only the GPU is."""
    settings: dict[str, Any] = {"quant_method": method, "bits": 4, "group_size": 32}
    folder = write_tiny_llama(tmp_path / "tiny", quantization_config=settings)
    with pytest.raises(UnsupportedModel) as caught:
        load_float32(folder)
    assert "\n" not in str(caught.value)


def test_plain_weights_need_no_package() -> None:
    check_packages(LlamaConfig())
    assert loading_arguments(Quantization.NONE, LlamaConfig(), CUDA) == {}


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("quantization", [Quantization.INT8, Quantization.NF4])
def test_quantizing_on_cuda_names_bitsandbytes(quantization: Quantization) -> None:
    with pytest.raises(UnsupportedModel, match="needs bitsandbytes"):
        loading_arguments(quantization, LlamaConfig(), CUDA)


def test_four_bits_are_refused_on_a_cpu() -> None:
    with pytest.raises(UnsupportedModel, match="nf4 needs CUDA"):
        loading_arguments(Quantization.NF4, LlamaConfig(), CPU)


def test_what_is_quantized_is_not_quantized_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found: Callable[[str], object] = lambda _: object()  # noqa: E731
    monkeypatch.setattr("antiphon.models.quantized_loading.find_spec", found)
    with pytest.raises(UnsupportedModel, match="quantized already"):
        loading_arguments(Quantization.INT8, quantized("gptq"), CPU)


@pytest.mark.parametrize("quantization", [Quantization.INT8, Quantization.NF4])
def test_bitsandbytes_is_told_what_a_graph_can_hold(
    quantization: Quantization, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: Callable[[str], object] = lambda _: object()  # noqa: E731
    monkeypatch.setattr("antiphon.models.quantized_loading.find_spec", found)
    config = loading_arguments(quantization, LlamaConfig(), CUDA)["quantization_config"]
    assert config.load_in_8bit is (quantization is Quantization.INT8)
    assert config.load_in_4bit is (quantization is Quantization.NF4)
    assert config.llm_int8_threshold == 0.0 or quantization is Quantization.NF4
