"""How many tokens a second come out when hundreds of requests of random lengths arrive at once?

The regime: nano-vllm's benchmark. All requests are there at the start, each says exactly as many
tokens as it is told to (temperature 0.6, no stop token), and the clock runs from the first to the
last. Random weights: no checkpoint is needed. In this process, without HTTP or a tokenizer. Another
contender is measured in a process of its own, on the first of the same requests where all would
take too long; its tokens a second then stand for fewer requests at once.

    python -m benchmarks.bench_offline --shape qwen3-8b
    python -m benchmarks.bench_offline --shape qwen3-8b --contender generate --requests 1
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer
from rich.console import Console

from antiphon.engine.device import find_device
from antiphon.models.loader import read_config
from antiphon.models.progress import Progress
from antiphon.server.progress_bar import open_progress
from benchmarks.command_line import run_command
from benchmarks.contenders import make_dummy_reference
from benchmarks.decode_settings import choose_dtype
from benchmarks.dummy_model import DummyModel, Room
from benchmarks.hardware import Hardware
from benchmarks.offline_contenders import (
    Contender,
    continuous_batching,
    run_continuous_batching,
    run_engine,
    run_generate,
)
from benchmarks.offline_workload import OfflineWorkload
from benchmarks.report import make_table, number, publish, timestamp
from benchmarks.roofline import synchronize
from benchmarks.shapes import Shape, config_folder

SCHEMA = "antiphon.bench.offline/1"
NUM_REQUESTS = 256
WARMUP_LENS = (4, 8)

Run = Callable[[OfflineWorkload], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """One run; lengths in tokens.

    requests        the first of NUM_REQUESTS, or more than those.
    prefill_tokens  of prompts in one step of the engine.
    """

    shape: str
    contender: Contender
    requests: int
    shortest: int
    longest: int
    prefill_tokens: int
    device: str
    dtype: str
    enforce_eager: bool
    seed: int

    def workload(self, folder: Path) -> OfflineWorkload:
        return self._random(folder, self.shortest, self.longest)

    def warm_up(self, folder: Path) -> OfflineWorkload:
        """Short, and of as many requests."""
        return self._random(folder, *WARMUP_LENS)

    def _random(self, folder: Path, shortest: int, longest: int) -> OfflineWorkload:
        config = read_config(folder, trust_remote_code=False).get_text_config()
        return OfflineWorkload.random(
            max(self.requests, NUM_REQUESTS),
            shortest=shortest,
            longest=longest,
            vocab_size=config.vocab_size,
            seed=self.seed,
        ).first(self.requests)


def bench_offline(
    shape: Annotated[
        str, typer.Option(help=f"{', '.join(Shape)}, or a folder with a config.json.")
    ] = Shape.QWEN3_8B.value,
    contender: Annotated[Contender, typer.Option(help="Who runs the requests.")] = Contender.ENGINE,
    requests: Annotated[
        int, typer.Option(min=1, help=f"The first of {NUM_REQUESTS}, or more.")
    ] = NUM_REQUESTS,
    shortest: Annotated[int, typer.Option(min=1, help="Tokens of a prompt or an output.")] = 100,
    longest: Annotated[int, typer.Option(min=1, help="Tokens of a prompt or an output.")] = 1024,
    prefill_tokens: Annotated[
        int, typer.Option(min=1, help="Tokens of prompts in a step of the engine.")
    ] = 8192,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto: bfloat16 on CUDA, float32 on a CPU.")] = "auto",
    enforce_eager: Annotated[
        bool, typer.Option("--enforce-eager", help="No captured graphs on CUDA.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of requests and weights.")] = 0,
) -> None:
    """Measure requests of random lengths that arrive at once."""
    settings = Settings(
        shape=shape,
        contender=contender,
        requests=requests,
        shortest=shortest,
        longest=longest,
        prefill_tokens=prefill_tokens,
        device=device,
        dtype=dtype,
        enforce_eager=enforce_eager,
        seed=seed,
    )
    with open_progress(Console(stderr=True)) as progress:
        run(settings, progress)


def run(settings: Settings, progress: Progress) -> None:
    """Measure and publish. Raises ModelError or EngineError."""
    started_at, device = timestamp(), find_device(settings.device)
    workload, seconds = _measure(settings, device, progress)
    result = {
        "requests": settings.requests,
        "input_tokens": workload.num_input_tokens,
        "output_tokens": workload.num_output_tokens,
        "seconds": seconds,
        "output_tokens_per_second": workload.num_output_tokens / seconds,
    }
    table = make_table("contender", "requests", "tokens in", "tokens out", "seconds", "tokens/s")
    table.add_row(
        settings.contender,
        str(settings.requests),
        str(workload.num_input_tokens),
        str(workload.num_output_tokens),
        number(seconds, 1),
        number(workload.num_output_tokens / seconds, 1),
    )
    hardware = Hardware.of(device)
    document = {
        "schema": SCHEMA,
        "started_at": started_at,
        "settings": asdict(settings),
        "hardware": asdict(hardware),
        **result,
    }
    publish(f"{settings.shape}, random weights: all at once", table, [str(hardware)], document)


def _measure(
    settings: Settings, device: torch.device, progress: Progress
) -> tuple[OfflineWorkload, float]:
    """What was run, and in how many seconds."""
    with TemporaryDirectory() as workspace:
        folder = config_folder(settings.shape, Path(workspace))
        workload = settings.workload(folder)
        with _contender(settings, folder, workload, device, progress) as contender:
            contender(settings.warm_up(folder))
            synchronize(device)
            began = time.perf_counter()
            contender(workload)
            synchronize(device)
            return workload, time.perf_counter() - began


@contextmanager
def _contender(
    settings: Settings,
    folder: Path,
    workload: OfflineWorkload,
    device: torch.device,
    progress: Progress,
) -> Iterator[Run]:
    """Loaded, and ready to run any number of workloads."""
    dtype = choose_dtype(settings.dtype, device)
    if settings.contender is Contender.ENGINE:
        room = Room(
            settings.requests,
            2 * settings.longest,
            num_tokens=workload.num_input_tokens + workload.num_output_tokens,
        )
        model = DummyModel.load(
            folder,
            device=device,
            dtype=dtype,
            room=room,
            seed=settings.seed,
            enforce_eager=settings.enforce_eager,
            progress=progress,
        )
        yield lambda requests: run_engine(model.make_engine(settings.prefill_tokens), requests)
        return
    reference = make_dummy_reference(folder, device=device, dtype=dtype, seed=settings.seed)
    if settings.contender is Contender.GENERATE:
        yield partial(run_generate, reference)
        return
    with continuous_batching(reference, settings.longest) as manager:
        yield partial(run_continuous_batching, manager)


def main(arguments: Sequence[str] | None = None) -> int:
    return run_command(bench_offline, arguments)


if __name__ == "__main__":
    sys.exit(main())
