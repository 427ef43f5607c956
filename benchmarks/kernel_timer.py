"""How long kernels take, without what launching them one by one costs."""

import time
from collections.abc import Callable, Sequence
from statistics import median

import torch

Call = Callable[[], object]
NUM_WARMUP_CALLS = 2


class KernelTimer:
    """On CUDA calls are captured into one graph, as a server runs them; on a CPU they just run."""

    def __init__(self, device: torch.device, repeats: int) -> None:
        self._device = device
        self._repeats = repeats

    def seconds(self, calls: Sequence[Call]) -> float:
        """Of one call: the median over rounds, each of which runs all calls."""
        measure = self._cuda_round(calls) if self._device.type == "cuda" else _cpu_round(calls)
        measure()
        return median(measure() for _ in range(self._repeats)) / len(calls)

    def _cuda_round(self, calls: Sequence[Call]) -> Callable[[], float]:
        stream = torch.cuda.Stream(self._device)
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):
            for call in calls[:NUM_WARMUP_CALLS]:
                call()  # compiles
        torch.cuda.current_stream(self._device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for call in calls:
                call()
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))

        def measure() -> float:
            start.record()
            graph.replay()
            end.record()
            end.synchronize()
            return float(start.elapsed_time(end)) / 1000

        return measure


def _cpu_round(calls: Sequence[Call]) -> Callable[[], float]:
    def measure() -> float:
        started_at = time.perf_counter()
        for call in calls:
            call()
        return time.perf_counter() - started_at

    return measure
