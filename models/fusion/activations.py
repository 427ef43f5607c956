"""The activations that have kernels of their own, known by their classes.

Not by what they give: in 16 bits the exact gelu would pass for the one by tanh.
"""

from torch import nn
from transformers.activations import GELUTanh, NewGELUActivation, SiLUActivation


def is_silu(activation: nn.Module) -> bool:
    return isinstance(activation, nn.SiLU | SiLUActivation)


def is_gelu_tanh(activation: nn.Module) -> bool:
    if isinstance(activation, nn.GELU):
        return activation.approximate == "tanh"
    return isinstance(activation, GELUTanh | NewGELUActivation)
