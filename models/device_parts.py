"""What a network computes with beside matrix products, by the kind of device it runs on."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Self

import torch

from antiphon.models.attention_backend import PagedAttention
from antiphon.models.fusion.kernels import Kernels
from antiphon.models.fusion.torch_kernels import TorchKernels
from antiphon.models.sdpa_attention import SdpaAttention


@dataclass(frozen=True, slots=True)
class DeviceParts:
    """Chosen once, when a model is loaded.

    attention  over the paged cache.
    kernels    of fused modules.
    """

    attention: PagedAttention
    kernels: Kernels

    @classmethod
    def of(cls, device: torch.device) -> Self:
        """Our own kernels on CUDA, where Triton is; torch's everywhere else."""
        if device.type == "cuda" and find_spec("triton") is not None:
            # Triton has wheels for Linux alone.
            from antiphon.models.fusion.triton_kernels import TritonKernels
            from antiphon.models.triton_attention import TritonAttention

            return cls(TritonAttention.on(device), TritonKernels())
        return cls(SdpaAttention(), TorchKernels())
