"""How fast a decode step could be if moving bytes were all there is to it.

Source: Williams, Waterman and Patterson, "Roofline", 2009; decode lies far left of the ridge.
"""

import time
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from transformers import PreTrainedModel

NUM_COPIES = 10
# Far more than caches hold, and on a GPU enough that the launch does not count.
CPU_COPY_BYTES = 2**29
CUDA_COPY_BYTES = 2**31


@dataclass(frozen=True, slots=True)
class Roofline:
    """The least time of a step of a dense model.

    weight_bytes                 read in every step, once for all sequences together.
    kv_bytes_per_token           of all layers, read in every step for each token of context.
    bandwidth_bytes_per_second   of the memory that holds both.
    """

    weight_bytes: int
    kv_bytes_per_token: int
    bandwidth_bytes_per_second: float

    def step_seconds(self, context_tokens: float) -> float:
        """`context_tokens` of all the step's sequences together."""
        num_bytes = self.weight_bytes + self.kv_bytes_per_token * context_tokens
        return num_bytes / self.bandwidth_bytes_per_second

    def __str__(self) -> str:
        return (
            f"roofline: {self.weight_bytes / 1e9:.2f} GB of weights and "
            f"{self.kv_bytes_per_token / 1024:.0f} KiB of KV cache per token "
            f"at {self.bandwidth_bytes_per_second / 1e9:.1f} GB/s"
        )


def bytes_read_per_step(model: PreTrainedModel) -> int:
    """All weights, but for an embedding that is not the output layer too: few of its rows are."""
    total = sum(parameter.nbytes for parameter in model.parameters())
    embedding = cast(nn.Embedding, model.get_input_embeddings()).weight
    output = cast(nn.Linear | None, model.get_output_embeddings())
    is_tied = output is None or output.weight is embedding
    return total if is_tied else total - embedding.nbytes


def measure_bandwidth(device: torch.device) -> float:
    """Bytes read and written per second by the fastest of several large copies on the device."""
    num_bytes = CUDA_COPY_BYTES if device.type == "cuda" else CPU_COPY_BYTES
    source = torch.ones(num_bytes, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    # The first one also touches the target's pages for the first time.
    seconds = [_copy_seconds(source, target) for _ in range(1 + NUM_COPIES)][1:]
    return 2 * num_bytes / min(seconds)


def _copy_seconds(source: torch.Tensor, target: torch.Tensor) -> float:
    synchronize(source.device)
    started_at = time.perf_counter()
    target.copy_(source)
    synchronize(source.device)
    return time.perf_counter() - started_at


def synchronize(device: torch.device) -> None:
    """Wait for what was launched; a CPU has done it already."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
