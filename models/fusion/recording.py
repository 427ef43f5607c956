"""What modules were called with and returned: the examples that a replacement must meet."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

# Of the largest number: what reordering sums costs, with a margin; a wrong formula is far beyond.
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 2e-2, torch.float16: 4e-3}
MODEL_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.3, torch.float16: 0.1}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a module's `forward`."""

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    output: Any

    @property
    def input(self) -> Tensor | None:
        """What the module works on: its first argument, under whatever name."""
        values = (*self.arguments, *self.keywords.values())
        first = self.keywords.get("hidden_states", values[0] if values else None)
        return first if isinstance(first, Tensor) else None


def record_calls(modules: Iterable[nn.Module], run: Callable[[], object]) -> dict[nn.Module, Call]:
    """The last call of each of `modules` while `run` runs, if it was called."""
    calls: dict[nn.Module, Call] = {}

    def note(
        module: nn.Module, arguments: tuple[Any, ...], keywords: dict[str, Any], output: object
    ) -> None:
        calls[module] = Call(arguments, keywords, output)

    handles = [module.register_forward_hook(note, with_kwargs=True) for module in modules]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return calls


def agrees(candidate: Callable[..., Any], call: Call) -> bool:
    """Whether the candidate returns for the same arguments what the module returned."""
    try:
        output = candidate(*call.arguments, **call.keywords)
    except Exception:  # an assertion's or a kernel compiler's included
        return False  # it was made for another kind of module
    return is_close(_tensor(output), _tensor(call.output))


def is_close(actual: Tensor | None, expected: Tensor | None) -> bool:
    """Equal but for rounding in their type, against the largest number that is expected."""
    if actual is None or expected is None:
        return False
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        return False
    largest = expected.float().abs().max().clamp_min(torch.finfo(torch.float32).tiny)
    error = (actual.float() - expected.float()).abs().max() / largest
    return bool(error <= TOLERANCE.get(expected.dtype, 0.0))


def is_alike(actual: Tensor, expected: Tensor) -> bool:
    """Whether a model's logits are those it had.

    Through dozens of layers rounding to 16 bits grows without bound on single numbers; a module in
    the wrong place moves them all.
    """
    if actual.shape != expected.shape:
        return False
    error = (actual.float() - expected.float()).norm() / expected.float().norm()
    return bool(error <= MODEL_TOLERANCE.get(expected.dtype, 0.0))


def _tensor(output: object) -> Tensor | None:
    first = output[0] if isinstance(output, tuple) and output else output
    return first if isinstance(first, Tensor) else None
