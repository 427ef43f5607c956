"""What a CPU computes linear layers with, decided by what the processor gives back."""

from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from torch import Tensor, nn

from antiphon.models.fusion.recording import Call, record_calls


class CpuLinear(Protocol):
    """Makes a module of a layer's weight and bias.

    largest_error  that its output may have, as a share of its length.
    """

    largest_error: float

    def __call__(self, weight: Tensor, bias: Tensor | None) -> nn.Module: ...


@torch.inference_mode()
def lay_out_linears(model: nn.Module, kind: CpuLinear, run: Callable[[], object]) -> int:
    """Let `kind` stand in for every linear layer of `model` that it computes; returns how many.

    run  runs the model on a few tokens. A layer that is not called then stays as it is: the model
         may reach into its weight instead.
    """
    linears = list(_linears(model))
    calls = record_calls([linear for _, _, linear in linears], run)
    num_replaced = 0
    while linears:  # so that no more than one is held twice
        parent, name, linear = linears.pop()
        call = calls.pop(linear, None)
        replacement = _replacement(linear, call, kind) if call is not None else None
        if replacement is not None:
            setattr(parent, name, replacement)
            num_replaced += 1
    return num_replaced


def _linears(model: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
    for parent in model.modules():
        for name, module in parent.named_children():
            if type(module) is nn.Linear:
                yield parent, name, module


def _replacement(linear: nn.Linear, call: Call, kind: CpuLinear) -> nn.Module | None:
    """None where this build of torch, or this processor, computes it not at all or wrongly."""
    weight, bias = linear.weight.data, linear.bias.data if linear.bias is not None else None
    if weight.dtype not in (torch.float32, torch.bfloat16):
        return None
    try:
        replacement = kind(weight, bias)
        errors = [_relative_error(replacement(rows), linear(rows)) for rows in _few_and_all(call)]
    except (AttributeError, NotImplementedError, RuntimeError):
        return None
    return replacement if max(errors) <= kind.largest_error else None


def _few_and_all(call: Call) -> list[Tensor]:
    """One row, which may be computed in another way than many, and what the layer was called with.

    Raises RuntimeError for a call with anything but one tensor.
    """
    if call.input is None:
        raise RuntimeError("a linear layer takes one tensor")
    rows = call.input.reshape(-1, call.input.shape[-1])
    return [rows[:1], call.input]


def _relative_error(actual: Tensor, expected: Tensor) -> float:
    difference = (actual.float() - expected.float()).norm()
    return float(difference / expected.float().norm().clamp_min(torch.finfo(torch.float32).tiny))
