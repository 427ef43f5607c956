"""How many tokens a second does the engine make, and what is batching worth?

The regime: the engine in this process, without HTTP, a tokenizer or another process in between;
random prompts of one length that all arrive at once, greedy answers of one length, no prefix to
reuse (the prefix cache is off, so that the same prompts can be run again). Beside it, in the same
run and in the same type, `transformers.generate` takes the first of those prompts one by one, and
so does the engine. Each round runs every case once, every other round backwards.

    python -m benchmarks.bench_engine --concurrency 1,4,16,32
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from antiphon.engine.build import build_engine
from antiphon.engine.config import LoadFormat
from antiphon.engine.generation import EngineCard
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.catalog import DEFAULT_MODEL
from antiphon.models.progress import Progress
from antiphon.server.progress_bar import open_progress
from benchmarks.command_line import parse_numbers, run_command
from benchmarks.contenders import EngineContender, GenerateContender, load_reference
from benchmarks.engine_cases import Settings, measure, single_case
from benchmarks.engine_result import EngineResult
from benchmarks.hardware import Hardware, device_of
from benchmarks.report import publish, timestamp
from benchmarks.workload import random_prompts

SCHEMA = "antiphon.bench.engine/1"


def bench_engine(
    model: Annotated[str, typer.Option(help="A catalog name, folder, file or hub id.")] = (
        DEFAULT_MODEL
    ),
    load_format: Annotated[
        LoadFormat, typer.Option(help="dummy: random weights, made from the config alone.")
    ] = LoadFormat.AUTO,
    dtype: Annotated[
        str, typer.Option(help="auto: float32 on a CPU, the model's own on CUDA.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    prompt_tokens: Annotated[int, typer.Option(min=1, help="Tokens of each prompt.")] = 128,
    output_tokens: Annotated[int, typer.Option(min=2, help="Tokens of each answer.")] = 64,
    concurrency: Annotated[
        str, typer.Option(help="Requests that arrive at once; 1 is measured in any case.")
    ] = "1,4,16,32",
    single_requests: Annotated[
        int, typer.Option(min=1, help="How many of the requests run one by one.")
    ] = 4,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds whose medians are reported.")] = 3,
    num_threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads. Unset: torch's own choice.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of prompts and dummy weights.")] = 0,
    skip_generate: Annotated[
        bool, typer.Option("--skip-generate", help="Leave transformers.generate out.")
    ] = False,
) -> None:
    """Measure the engine in-process, against itself one by one and transformers.generate."""
    settings = Settings(
        model=model,
        load_format=load_format,
        dtype=dtype,
        device=device,
        prompt_tokens=prompt_tokens,
        output_tokens=output_tokens,
        concurrency=tuple(sorted({1, *parse_numbers(concurrency, "--concurrency")})),
        single_requests=single_requests,
        repeats=repeats,
        num_threads=num_threads,
        seed=seed,
        skip_generate=skip_generate,
    )
    with open_progress(Console(stderr=True)) as progress:
        run(settings, progress)


def run(settings: Settings, progress: Progress) -> None:
    """Measure and publish. Raises ModelError or EngineError."""
    started_at = timestamp()
    llm_engine, card = build_engine(settings.engine_config, progress)
    engine = EngineContender(llm_engine, time.perf_counter)
    result = _measure(settings, engine, card, progress)
    hardware = Hardware.of(device_of(card))
    title = (
        f"{card.architecture}, {card.dtype} on {card.device}: "
        f"{settings.prompt_tokens} tokens in, {settings.output_tokens} out"
    )
    document = {
        "schema": SCHEMA,
        "started_at": started_at,
        "settings": asdict(settings),
        "hardware": asdict(hardware),
        "engine": asdict(card),
        "num_preemptions": engine.num_preemptions,
        **result.document(),
    }
    publish(title, result.table(), [*result.lines(), str(hardware)], document)


def _measure(
    settings: Settings, engine: EngineContender, card: EngineCard, progress: Progress
) -> EngineResult:
    prompts = random_prompts(
        settings.num_prompts,
        settings.prompt_tokens,
        vocab_size=card.vocab_size,
        seed=settings.seed,
    )
    card.check(prompts[0], SamplingParams(max_tokens=settings.output_tokens))
    cases = settings.engine_cases(engine, prompts)
    if not settings.skip_generate:
        reference = load_reference(
            card, settings.load_format, seed=settings.seed, progress=progress
        )
        generate = GenerateContender(reference, time.perf_counter)
        cases.append(single_case(generate, prompts[: settings.single_requests]))
    rates = measure(
        cases,
        max_tokens=settings.output_tokens,
        repeats=settings.repeats,
        note_round=lambda done: progress("rounds", done, settings.repeats, "steps"),
    )
    return EngineResult(
        levels=dict(zip(settings.concurrency, rates, strict=False)),
        generate=None if settings.skip_generate else rates[-1],
        single_requests=settings.single_requests,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    return run_command(bench_engine, arguments)


if __name__ == "__main__":
    sys.exit(main())
