"""Work that is recorded once and then replayed: a CUDA graph, behind one small interface."""

from collections.abc import Callable
from typing import Protocol

import torch

Replay = Callable[[], None]


class StepGraphs(Protocol):
    """Records functions that read and write tensors which stay where they are."""

    def capture(self, function: Callable[[], None]) -> Replay:
        """Run the function at least once; returns what does all its work on the device again.

        Everything else that the function does, such as choosing what to do, is settled here.
        Raises RuntimeError where the function asks the device for a number.
        """
        ...

    @property
    def reserved_bytes(self) -> int:
        """Memory of the device that is taken so far, for whatever."""
        ...


class CudaGraphs:
    """CUDA graphs that share one pool of memory: the largest should be captured first."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()
        self._stream = torch.cuda.Stream(device)

    def capture(self, function: Callable[[], None]) -> Replay:
        # Once before, on the same stream: kernels are compiled and libraries get their workspaces.
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            function()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
            function()
        torch.cuda.current_stream(self._device).wait_stream(self._stream)
        return graph.replay

    @property
    def reserved_bytes(self) -> int:
        return torch.cuda.memory_reserved(self._device)
