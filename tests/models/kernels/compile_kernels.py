"""Compiles every kernel for a GPU that is not here; a process of its own, without the interpreter.

Prints one line of JSON a kernel: its name, and the shared memory it takes. Triton brings NVIDIA's
assembler along, so what it refuses is found without a GPU.

    TRITON_INTERPRET=0 python -m tests.models.kernels.compile_kernels 90 232448
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.jit import JITFunction

from antiphon.models.forward_batch import VisibleRange
from antiphon.models.kernels.attention_plan import AttentionPlan
from antiphon.models.kernels.attention_tile import AttentionTile, Gpu
from antiphon.models.kernels.paged_attention import paged_attention
from antiphon.models.kernels.rms_norm import NormScale, add_rms_norm, rms_norm
from antiphon.models.kernels.rotary import rotate
from antiphon.models.kernels.silu_mul import gelu_tanh_mul, silu_mul
from antiphon.models.kernels.store_kv import store_kv
from antiphon.models.kernels.token_mask import apply_token_mask
from tests.models.kernels.paged_case import PagedCase, PagedInputs

CPU = torch.device("cpu")
BFLOAT16 = PagedCase(
    query_lens=(1,),
    context_lens=(20,),
    num_heads=8,
    key_dim=128,
    value_dim=128,
    dtype=torch.bfloat16,
)


class AbsentGpu:
    """As much of Triton's driver as compiling takes."""

    def __init__(self, architecture: int) -> None:
        self._target = GPUTarget("cuda", architecture, 32)

    def get_current_target(self) -> GPUTarget:
        return self._target

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0


def compile_instead_of_launching() -> None:
    def launcher(kernel: JITFunction, grid: object) -> Callable[..., None]:
        def compile_kernel(*arguments: object, **options: object) -> None:
            compiled = kernel.run(*arguments, grid=grid, warmup=True, **options)
            print(json.dumps({"name": compiled.name, "shared": compiled.metadata.shared}))

        return compile_kernel

    JITFunction.__getitem__ = launcher


def attention_cases() -> Iterator[tuple[PagedCase, int]]:
    """Cases and their numbers of splits: the common ones, and those that take the most room."""
    extend = replace(BFLOAT16, query_lens=(40,), context_lens=(64,))
    yield BFLOAT16, 4
    yield extend, 1
    yield replace(BFLOAT16, visible=VisibleRange(chunk_size=30), softcap=5.0, has_sinks=True), 1
    yield replace(extend, key_dim=192, visible=VisibleRange(window=30), has_sinks=True), 3
    for dtype in (torch.bfloat16, torch.float32):
        yield replace(extend, key_dim=512, value_dim=512, dtype=dtype), 1


def compile_attention(case: PagedCase, num_splits: int, gpu: Gpu) -> None:
    inputs = PagedInputs.random(case, CPU)
    tile = AttentionTile.fit(
        max_query_len=max(case.query_lens),
        group_size=case.num_heads // case.num_kv_heads,
        key_dim=case.key_dim,
        value_dim=case.value_dim,
        dtype=case.dtype,
        gpu=gpu,
    )
    paged_attention(
        torch.cat(inputs.queries),
        inputs.kv,
        inputs.tables,
        case.visible,
        inputs.scoring,
        AttentionPlan(tile, num_splits),
    )


def compile_others() -> None:
    kv = PagedInputs.random(BFLOAT16, CPU).kv
    states = torch.zeros(3, 2, 128, dtype=torch.bfloat16)
    store_kv(states, states, kv, torch.arange(3))
    hidden = torch.zeros(2, 4096, dtype=torch.bfloat16)
    for scale in NormScale:
        rms_norm(hidden, hidden[0], 1e-6, scale)
        add_rms_norm(hidden, hidden, hidden[0], 1e-6, scale)
    heads = states[None]
    rotate(heads, heads[:, :, 0], heads[:, :, 0])
    rotate(heads, heads[:, :, 0, :20], heads[:, :, 0, :20])
    silu_mul(hidden)
    gelu_tanh_mul(hidden)
    apply_token_mask(hidden, torch.zeros(2, 128, dtype=torch.int32))


def main(architecture: int, shared_memory_bytes: int) -> None:
    driver.set_active(AbsentGpu(architecture))
    compile_instead_of_launching()
    gpu = Gpu(num_processors=100, shared_memory_bytes=shared_memory_bytes)
    for case, num_splits in attention_cases():
        compile_attention(case, num_splits, gpu)
    compile_others()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
