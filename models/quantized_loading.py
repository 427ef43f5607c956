"""Quantized weights through transformers: what is asked for, and what a checkpoint brings along."""

from importlib.util import find_spec
from typing import Any

import torch
from transformers import BitsAndBytesConfig, PreTrainedConfig

from antiphon.models.errors import UnsupportedModel
from antiphon.models.quantization import Quantization

# By the method that a checkpoint names in its config: packages that loading it takes, by the name
# that is imported and the name that is installed.
PACKAGES = {
    "aqlm": {"aqlm": "aqlm"},
    "auto-round": {"auto_round": "auto-round"},
    "awq": {"gptqmodel": "gptqmodel"},
    "bitsandbytes": {"bitsandbytes": "bitsandbytes"},
    "compressed-tensors": {"compressed_tensors": "compressed-tensors"},
    "eetq": {"kernels": "kernels"},
    "fbgemm_fp8": {"fbgemm_gpu": "fbgemm-gpu"},
    "fp8": {"kernels": "kernels"},
    "gptq": {"optimum": "optimum", "gptqmodel": "gptqmodel"},
    "higgs": {"flute": "flute-kernel"},
    "hqq": {"hqq": "hqq"},
    "mxfp4": {"triton": "triton", "kernels": "kernels"},
    "quanto": {"optimum.quanto": "optimum-quanto"},
    "torchao": {"torchao": "torchao"},
    "vptq": {"vptq": "vptq"},
}


def check_packages(config: PreTrainedConfig) -> None:
    """Raises UnsupportedModel naming every package that a quantized checkpoint lacks here."""
    method = quantization_method(config)
    missing = [
        package for module, package in PACKAGES.get(method or "", {}).items() if not _has(module)
    ]
    if missing:
        raise UnsupportedModel(
            f"The checkpoint is quantized ({method}): loading it needs {' and '.join(missing)}; "
            f"pip install {' '.join(missing)}."
        )


def quantization_method(config: PreTrainedConfig) -> str | None:
    """What the checkpoint was quantized with; None for one that was not."""
    settings = getattr(config, "quantization_config", None)
    if settings is None:
        return None
    method = settings.get("quant_method") if isinstance(settings, dict) else settings.quant_method
    return str(getattr(method, "value", method))


def loading_arguments(
    quantization: Quantization, config: PreTrainedConfig, device: torch.device
) -> dict[str, Any]:
    """What `from_pretrained` takes to quantize while it loads. Raises UnsupportedModel."""
    check_packages(config)
    is_asked_for = quantization in (Quantization.INT8, Quantization.NF4)
    if not is_asked_for:
        return {}
    if quantization_method(config) is not None:
        raise UnsupportedModel(
            f"quantization {quantization} is for plain weights: the checkpoint is quantized already"
        )
    if device.type != "cuda":
        if quantization is Quantization.NF4:
            raise UnsupportedModel("quantization nf4 needs CUDA; int8 works on a CPU too")
        return {}  # the network rounds its layers itself
    if not _has("bitsandbytes"):
        raise UnsupportedModel(
            f"quantization {quantization} on CUDA needs bitsandbytes; pip install bitsandbytes."
        )
    return {"quantization_config": _bitsandbytes(quantization)}


def _bitsandbytes(quantization: Quantization) -> BitsAndBytesConfig:
    if quantization is Quantization.INT8:
        # A threshold looks at every activation on the host: no graph could be captured.
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=0.0)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )


def _has(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package it would be in
        return False
