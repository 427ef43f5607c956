"""Rotary frequencies that depend on length, fixed once.

transformers chooses the frequencies of `longrope` and `dynamic` embeddings by the longest position
in a forward pass: a long sequence would change the tokens of every other one in its batch, and the
keys that are in the cache already. Here they are those of the longest sequence that is served, as
vLLM has it; a smaller max_model_len within the original context gives the original frequencies.
Sources: LongRoPE (Ding et al., 2024); dynamic NTK scaling as in transformers' modeling_rope_utils.
"""

import torch
from torch import nn
from transformers import PreTrainedModel

FROZEN = "frozen"


def freeze_rope(model: PreTrainedModel, max_model_len: int) -> None:
    """Fix the frequencies of every rotary embedding in `model` that would change with length."""
    for module in model.modules():
        rope_type = getattr(module, "rope_type", None)
        if isinstance(rope_type, str) and _depends_on_length(rope_type):
            _settle(module, model, max_model_len)
            module.rope_type = FROZEN  # type: ignore[assignment]
        elif isinstance(rope_type, dict):
            varying = [layer for layer, kind in rope_type.items() if _depends_on_length(kind)]
            for layer_type in varying:
                _settle(module, model, max_model_len, layer_type)
            module.rope_type = rope_type | dict.fromkeys(varying, FROZEN)  # type: ignore[assignment]


def _settle(
    module: nn.Module, model: PreTrainedModel, max_model_len: int, *layer_type: str
) -> None:
    """Let the module meet the last position once: it takes on the frequencies for that length."""
    last_position = torch.tensor([[max_model_len - 1]], device=model.device)
    module(torch.empty(0, device=model.device, dtype=model.dtype), last_position, *layer_type)


def _depends_on_length(rope_type: str) -> bool:
    return rope_type == "longrope" or "dynamic" in rope_type
