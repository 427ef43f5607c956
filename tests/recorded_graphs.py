"""Graphs for a CPU: as CUDA's, they do again what was done, on the same tensors, and no more."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

NUMBERS_FOR_THE_HOST = ("aten::item", "aten::_local_scalar_dense", "aten::nonzero")


class _Recording(TorchDispatchMode):
    """Notes every operation with the tensors that it read and made."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[tuple[Any, tuple[Any, ...], dict[str, Any], Any]] = []

    def __torch_dispatch__(
        self,
        function: Any,  # noqa: ANN401 (torch's own signature)
        types: object,
        arguments: tuple[Any, ...] = (),
        keywords: dict[str, Any] | None = None,
    ) -> object:
        name = function._schema.name
        if name.startswith(NUMBERS_FOR_THE_HOST):
            raise RuntimeError(f"{name} asks for a number while a graph is captured")
        keywords = keywords or {}
        output = function(*arguments, **keywords)
        self.calls.append((function, arguments, keywords, output))
        return output

    def replay(self) -> None:
        for function, arguments, keywords, output in self.calls:
            again = function(*arguments, **keywords)
            for old, new in zip(tree_leaves(output), tree_leaves(again), strict=True):
                if isinstance(old, torch.Tensor) and old is not new:
                    old.copy_(new)


class RecordedGraphs:
    """Keeps the `StepGraphs` protocol."""

    reserved_bytes = 0

    def capture(self, function: Callable[[], None]) -> Callable[[], None]:
        recording = _Recording()
        with recording:
            function()
        return recording.replay


class EagerGraphs:
    """Runs the function again: for kernels under Triton's interpreter, which can't be recorded."""

    reserved_bytes = 0

    def capture(self, function: Callable[[], None]) -> Callable[[], None]:
        function()
        return function
