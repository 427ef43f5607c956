"""How near are our kernels to what the memory and the tensor cores allow?

The regime: one decoder layer's tensors, random, the shape of Qwen3-8B unless told otherwise. Every
kernel is replayed from a CUDA graph, so that launches cost nothing. Decoding walks through several
layers' caches, which the L2 cache can't hold, and stands beside the memory's bandwidth; chunks of
prompts count two products for each visible key, our kernel beside torch's varlen attention; norms,
rotation and gates stand beside torch's own operations, in graphs as well.

    python -m benchmarks.bench_kernels

On a CPU it only runs in Triton's interpreter, with small numbers, to see that it runs at all:

    TRITON_INTERPRET=1 python -m benchmarks.bench_kernels --device cpu --dtype float32 \\
        --batch 2 --context 40 --prompt 20 --earlier 30 --tokens 3 --repeats 1
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import torch
import typer
from rich.table import Table

from antiphon.engine.device import find_device
from antiphon.engine.errors import ConfigError
from benchmarks.command_line import parse_numbers, run_command
from benchmarks.decode_settings import choose_dtype
from benchmarks.hardware import Hardware
from benchmarks.kernel_cases import (
    DecodeSpeed,
    PromptSpeed,
    RowSpeed,
    measure_decode,
    measure_prompt,
    measure_rows,
)
from benchmarks.kernel_shapes import KernelShape
from benchmarks.kernel_timer import KernelTimer
from benchmarks.report import make_table, number, publish, timestamp
from benchmarks.roofline import measure_bandwidth

SCHEMA = "antiphon.bench.kernels/1"


def bench_kernels(
    batch: Annotated[str, typer.Option(help="Sequences that decode together.")] = "1,8,32,128",
    context: Annotated[str, typer.Option(help="Tokens of each.")] = "1024,4096,16384",
    prompt: Annotated[str, typer.Option(help="Tokens of a chunk.")] = "512,2048,8192",
    earlier: Annotated[int, typer.Option(min=1, help="Tokens before a later chunk.")] = 16384,
    tokens: Annotated[str, typer.Option(help="Rows of norms, rotation and gates.")] = "1,32,2048",
    num_heads: Annotated[int, typer.Option(min=1)] = 32,
    num_kv_heads: Annotated[int, typer.Option(min=1)] = 8,
    head_dim: Annotated[int, typer.Option(min=8)] = 128,
    hidden_dim: Annotated[int, typer.Option(min=1)] = 4096,
    intermediate_dim: Annotated[int, typer.Option(min=1)] = 12288,
    block_size: Annotated[int, typer.Option(min=1, help="Tokens of a block.")] = 16,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto: bfloat16 on CUDA, float32 on a CPU.")] = "auto",
    repeats: Annotated[int, typer.Option(min=1, help="Rounds whose median is reported.")] = 20,
    bandwidth_gb_s: Annotated[
        float | None,
        typer.Option(min=0.001, help="Memory bandwidth, in 10^9 bytes/s. Unset: measured."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of all numbers.")] = 0,
) -> None:
    """Measure attention and the small kernels, one decoder layer at a time."""
    chosen = find_device(device)
    if chosen.type != "cuda" and os.environ.get("TRITON_INTERPRET") != "1":
        raise ConfigError("There is no CUDA GPU here: kernels run on a CPU with TRITON_INTERPRET=1")
    torch.manual_seed(seed)
    shape = KernelShape(
        num_heads=num_heads,
        num_kv_heads=num_kv_heads,
        head_dim=head_dim,
        hidden_dim=hidden_dim,
        intermediate_dim=intermediate_dim,
        block_size=block_size,
        dtype=str(choose_dtype(dtype, chosen)).removeprefix("torch."),
        device=str(chosen),
    )
    bandwidth = bandwidth_gb_s if bandwidth_gb_s is not None else measure_bandwidth(chosen) / 1e9
    sizes, contexts = parse_numbers(batch, "--batch"), parse_numbers(context, "--context")
    grid = [(size, length) for size in sizes for length in contexts]
    prompts = parse_numbers(prompt, "--prompt")
    chunks = [(length, before) for before in (0, earlier) for length in prompts]
    rows = parse_numbers(tokens, "--tokens")
    run(shape, KernelTimer(chosen, repeats), bandwidth, grid, chunks, rows)


@torch.inference_mode()
def run(
    shape: KernelShape,
    timer: KernelTimer,
    bandwidth_gb_s: float,
    grid: list[tuple[int, int]],
    chunks: list[tuple[int, int]],
    tokens: Sequence[int],
) -> None:
    """Measure and publish."""
    started_at = timestamp()
    decodes = [measure_decode(shape, timer, *case) for case in grid]
    prompts = [measure_prompt(shape, timer, *case) for case in chunks]
    rows = [speed for count in tokens for speed in measure_rows(shape, timer, count)]
    hardware = Hardware.of(torch.device(shape.device))
    document = {
        "schema": SCHEMA,
        "started_at": started_at,
        "shape": asdict(shape),
        "hardware": asdict(hardware),
        "bandwidth_gb_per_second": bandwidth_gb_s,
        "decode": [asdict(speed) for speed in decodes],
        "prompt": [asdict(speed) for speed in prompts],
        "rows": [asdict(speed) for speed in rows],
    }
    title = f"kernels of one decoder layer, {shape.dtype} on {shape.device}"
    table = _table(decodes, prompts, rows, bandwidth_gb_s)
    publish(title, table, [f"bandwidth: {bandwidth_gb_s:.0f} GB/s", str(hardware)], document)


def _table(
    decodes: Sequence[DecodeSpeed],
    prompts: Sequence[PromptSpeed],
    rows: Sequence[RowSpeed],
    bandwidth_gb_s: float,
) -> Table:
    table = make_table("kernel", "shape", "µs", "reaches", "beside it")
    for decode in decodes:
        table.add_row(
            "decode attention",
            f"{decode.batch_size} x {decode.context}, {decode.num_splits} splits",
            number(decode.microseconds, 1),
            f"{decode.gb_per_second:.0f} GB/s",
            f"{100 * decode.gb_per_second / bandwidth_gb_s:.0f} % of the bandwidth",
        )
    for prompt in prompts:
        table.add_row(
            "prompt attention",
            f"{prompt.num_tokens} after {prompt.earlier}",
            number(prompt.microseconds, 1),
            f"{prompt.paged_tflops:.1f} TFLOP/s",
            f"torch varlen: {number(prompt.varlen_tflops, 1)}",
        )
    for row in rows:
        table.add_row(
            row.kernel,
            f"{row.num_tokens} tokens",
            number(row.microseconds, 1),
            f"{row.torch_microseconds / row.microseconds:.1f}x torch",
            f"torch: {row.torch_microseconds:.1f} µs",
        )
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    return run_command(bench_kernels, arguments)


if __name__ == "__main__":
    sys.exit(main())
