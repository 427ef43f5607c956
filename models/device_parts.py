"""What a network computes with, by the kind of device it runs on."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Self

import torch
from torch import nn

from antiphon.models.attention_backend import PagedAttention
from antiphon.models.cpu_kernels.openmp import has_openmp
from antiphon.models.cpu_layout import CpuLinear
from antiphon.models.fusion.kernels import Kernels
from antiphon.models.fusion.onednn_linear import OneDnnLinear
from antiphon.models.fusion.torch_kernels import TorchKernels
from antiphon.models.sdpa_attention import SdpaAttention


@dataclass(frozen=True, slots=True)
class DeviceParts:
    """Chosen once, when a model is loaded.

    attention  over the paged cache.
    kernels    of fused modules.
    linear     what linear layers become; None leaves them as they are.
    bind       lets whole layers run as one call, once there is a KV cache.
    """

    attention: PagedAttention
    kernels: Kernels
    linear: CpuLinear | None = None
    bind: Callable[[nn.Module], None] | None = None

    @classmethod
    def of(cls, device: torch.device, dtype: torch.dtype) -> Self:
        """Our own kernels where they are written for it; torch's everywhere else."""
        if device.type == "cuda" and find_spec("triton") is not None:
            # Triton has wheels for Linux alone.
            from antiphon.models.fusion.triton_kernels import TritonKernels
            from antiphon.models.triton_attention import TritonAttention

            return cls(TritonAttention.on(device), TritonKernels())
        if device.type == "cpu" and dtype is torch.float32 and has_openmp():
            # These are compiled as they are imported.
            from antiphon.models.fusion.bound_layer import bind_decoder_layers
            from antiphon.models.fusion.numba_kernels import NumbaKernels
            from antiphon.models.fusion.panel_linear import PanelLinear
            from antiphon.models.numba_attention import NumbaAttention

            return cls(NumbaAttention(), NumbaKernels(), PanelLinear, bind_decoder_layers)
        linear = OneDnnLinear if device.type == "cpu" else None
        return cls(SdpaAttention(), TorchKernels(), linear)
