"""How far is a decode step from what the memory allows?

The regime: a shape with random weights, so no checkpoint is needed; sequences with one long prompt
each, all different, whose prompts are computed first; then steps in which every sequence gains one
greedy token, through the whole engine: scheduling, batch, forward pass, sampling. Beside each
number stands the roofline: the bytes of the weights and of the live KV cache by the bandwidth.
A device copy measures that bandwidth where none is given; a CPU may read faster than it copies, and
then a share can exceed 100 %. Batch sizes alternate from round to round.

    python -m benchmarks.bench_decode --shape qwen3-8b --batch 1,8,32
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import torch
import typer
from rich.console import Console

from antiphon.models.progress import Progress
from antiphon.server.progress_bar import open_progress
from benchmarks.command_line import parse_numbers, run_command
from benchmarks.decode_result import DecodeResult, decode_table
from benchmarks.decode_settings import PREFILL_TOKENS, Settings
from benchmarks.decoding import DecodeRun, run_decode
from benchmarks.dummy_model import DummyModel
from benchmarks.hardware import Hardware
from benchmarks.report import publish, timestamp
from benchmarks.shapes import Shape
from benchmarks.workload import random_prompts

SCHEMA = "antiphon.bench.decode/1"


def bench_decode(
    shape: Annotated[
        str, typer.Option(help=f"{', '.join(Shape)}, or a folder with a config.json.")
    ] = Shape.QWEN3_8B.value,
    batch: Annotated[str, typer.Option(help="Sequences that decode together.")] = "1,8,32",
    context: Annotated[int, typer.Option(min=1, help="Tokens of each prompt.")] = 1024,
    steps: Annotated[int, typer.Option(min=1, help="Timed steps of each run.")] = 32,
    warmup_steps: Annotated[int, typer.Option(min=0, help="Steps before them.")] = 4,
    repeats: Annotated[int, typer.Option(min=1, help="Runs whose median is reported.")] = 3,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto: bfloat16 on CUDA, float32 on a CPU.")] = "auto",
    bandwidth_gb_s: Annotated[
        float | None,
        typer.Option(min=0.001, help="Memory bandwidth, in 10^9 bytes/s. Unset: measured."),
    ] = None,
    num_threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads. Unset: torch's own choice.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of prompts and weights.")] = 0,
    enforce_eager: Annotated[
        bool, typer.Option("--enforce-eager", help="No captured graphs on CUDA.")
    ] = False,
) -> None:
    """Measure decode steps of a shape with random weights, beside the roofline."""
    settings = Settings(
        shape=shape,
        batch_sizes=tuple(sorted(set(parse_numbers(batch, "--batch")))),
        context=context,
        steps=steps,
        warmup_steps=warmup_steps,
        repeats=repeats,
        device=device,
        dtype=dtype,
        bandwidth_gb_s=bandwidth_gb_s,
        num_threads=num_threads,
        seed=seed,
        enforce_eager=enforce_eager,
    )
    with open_progress(Console(stderr=True)) as progress:
        run(settings, progress)


def run(settings: Settings, progress: Progress) -> None:
    """Measure and publish. Raises ModelError or EngineError."""
    started_at = timestamp()
    if settings.num_threads is not None:
        torch.set_num_threads(settings.num_threads)
    model = settings.load(progress)
    card, hardware = model.card, Hardware.of(model.network.device)
    roofline = settings.roofline(model)
    runs = _measure(settings, model, progress)
    results = [DecodeResult.of(runs[batch_size], roofline) for batch_size in settings.batch_sizes]
    title = (
        f"{settings.shape} ({card.architecture}), random {card.dtype} weights on {card.device}: "
        f"decode steps after {settings.context} tokens"
    )
    document = {
        "schema": SCHEMA,
        "started_at": started_at,
        "settings": asdict(settings),
        "hardware": asdict(hardware),
        "engine": asdict(card),
        "roofline": asdict(roofline),
        "batches": [asdict(result) for result in results],
    }
    publish(title, decode_table(results), [str(roofline), str(hardware)], document)


def _measure(
    settings: Settings, model: DummyModel, progress: Progress
) -> dict[int, list[DecodeRun]]:
    """Runs by batch size. Every batch size runs once a round."""
    prompts = random_prompts(
        max(settings.batch_sizes),
        settings.context,
        vocab_size=model.network.vocab_size,
        seed=settings.seed,
    )
    runs: dict[int, list[DecodeRun]] = {batch_size: [] for batch_size in settings.batch_sizes}
    for index in range(settings.repeats):
        progress("rounds", index, settings.repeats, "steps")
        for batch_size in settings.batch_sizes:
            run = run_decode(
                model.make_engine(PREFILL_TOKENS),
                prompts[:batch_size],
                num_warmup_steps=settings.warmup_steps,
                num_steps=settings.steps,
                clock=time.perf_counter,
            )
            runs[batch_size].append(run)
    progress("rounds", settings.repeats, settings.repeats, "steps")
    return runs


def main(arguments: Sequence[str] | None = None) -> int:
    return run_command(bench_decode, arguments)


if __name__ == "__main__":
    sys.exit(main())
