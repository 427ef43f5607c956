"""Do sequences that follow a JSON schema slow down those beside them that do not?

The regime: one batch of the engine in this process that only decodes, random prompts, greedy
answers that never end. In one case nobody is constrained, in the other every second sequence
follows a schema of nested objects. Both decode the same number of tokens a step, so what differs
is what masks cost the free sequences: all sequences of a step wait for all of them. Each round
runs both cases, every other round the other way round.

    python -m benchmarks.bench_constrained --batch 16
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from antiphon.engine.build import build_engine
from antiphon.engine.config import EngineConfig, LoadFormat, Speculation
from antiphon.engine.generation import EngineCard
from antiphon.engine.grammar import GrammarCompiler
from antiphon.engine.grammar_vocabulary import GrammarVocabulary
from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.catalog import DEFAULT_MODEL
from antiphon.models.progress import Progress
from antiphon.models.tokenizer import Tokenizer
from antiphon.server.progress_bar import open_progress
from benchmarks.command_line import run_command
from benchmarks.hardware import Hardware, device_of
from benchmarks.rates import Ratio
from benchmarks.report import make_table, number, publish, timestamp
from benchmarks.workload import random_prompts

SCHEMA = "antiphon.bench.constrained/1"
BLOCK_SIZE = 16
NUM_WARMUP_STEPS = 4
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "minimum": 0},
        "kind": {"enum": ["friend", "colleague", "stranger"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
    "required": ["name", "age", "kind", "tags", "address"],
}
# So many that no answer ends.
PEOPLE = {"type": "array", "items": PERSON, "minItems": 100_000}
GRAMMAR = json.dumps({"grammars": [{"json_schema": PEOPLE}]})


@dataclass(frozen=True, slots=True)
class Settings:
    """What one run is asked to do; lengths in tokens, `batch` in sequences."""

    model: str
    load_format: LoadFormat
    dtype: str
    device: str
    batch: int
    prompt_tokens: int
    steps: int
    repeats: int
    num_threads: int | None
    seed: int

    @property
    def engine_config(self) -> EngineConfig:
        return EngineConfig(
            speculation=Speculation.OFF,
            model=self.model,
            load_format=self.load_format,
            dtype=self.dtype,
            device=self.device,
            max_model_len=self.prompt_tokens + self.steps + NUM_WARMUP_STEPS + 2 * BLOCK_SIZE,
            max_num_seqs=self.batch,
            block_size=BLOCK_SIZE,
            prefix_cache=False,
            num_threads=self.num_threads,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True)
class Latency:
    """Between two tokens of a free sequence, over all rounds."""

    num_constrained: int
    median_ms: float
    p99_ms: float

    @classmethod
    def of(cls, num_constrained: int, rounds: list[list[float]]) -> "Latency":
        seconds = np.concatenate(rounds)
        return cls(
            num_constrained,
            1000 * float(np.median(seconds)),
            1000 * float(np.percentile(seconds, 99)),
        )


def bench_constrained(
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
    batch: Annotated[int, typer.Option(min=2, help="Sequences; half of them constrained.")] = 16,
    prompt_tokens: Annotated[int, typer.Option(min=1, help="Tokens of each prompt.")] = 64,
    steps: Annotated[int, typer.Option(min=2, help="Decode steps of each case and round.")] = 64,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds.")] = 5,
    num_threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads. Unset: torch's own choice.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of prompts and dummy weights.")] = 0,
) -> None:
    """Measure what constrained sequences cost the free ones beside them."""
    settings = Settings(
        model=model,
        load_format=load_format,
        dtype=dtype,
        device=device,
        batch=batch,
        prompt_tokens=prompt_tokens,
        steps=steps,
        repeats=repeats,
        num_threads=num_threads,
        seed=seed,
    )
    with open_progress(Console(stderr=True)) as progress:
        run(settings, progress)


def run(settings: Settings, progress: Progress) -> None:
    """Measure and publish. Raises ModelError or EngineError."""
    started_at = timestamp()
    engine, card = build_engine(settings.engine_config, progress)
    cases = _measure(settings, engine, card, progress)
    latencies = [Latency.of(num_constrained, rounds) for num_constrained, rounds in cases.items()]
    ratio = Ratio.of(
        *[[float(np.median(one)) for one in cases[count]] for count in reversed(cases)]
    )
    hardware = Hardware.of(device_of(card))
    title = (
        f"{card.architecture}, {card.dtype} on {card.device}: "
        f"{settings.batch} sequences decode {settings.steps} tokens each"
    )
    document = {
        "schema": SCHEMA,
        "started_at": started_at,
        "settings": asdict(settings),
        "hardware": asdict(hardware),
        "engine": asdict(card),
        "latencies": [asdict(latency) for latency in latencies],
        "half_over_none": asdict(ratio),
    }
    line = f"inter-token latency of the free, half constrained / nobody constrained: {ratio}"
    publish(title, _table(latencies), [line, str(hardware)], document)


def _measure(
    settings: Settings, engine: LLMEngine, card: EngineCard, progress: Progress
) -> dict[int, list[list[float]]]:
    """Seconds of each step, by how many sequences are constrained: [rounds][steps]."""
    compiler = GrammarCompiler(GrammarVocabulary.of(Tokenizer.from_folder(Path(card.model_path))))
    cases: dict[int, list[list[float]]] = {0: [], settings.batch // 2: []}
    for index in range(settings.repeats):
        progress("rounds", index, settings.repeats, "steps")
        for num_constrained in list(cases) if index % 2 == 0 else reversed(cases):
            _start(settings, engine, card, compiler, num_constrained)
            cases[num_constrained].append(_decode(engine, settings.batch, settings.steps))
    progress("rounds", settings.repeats, settings.repeats, "steps")
    return cases


def _start(
    settings: Settings,
    engine: LLMEngine,
    card: EngineCard,
    compiler: GrammarCompiler,
    num_constrained: int,
) -> None:
    prompts = random_prompts(
        settings.batch, settings.prompt_tokens, vocab_size=card.vocab_size, seed=settings.seed
    )
    for sequence_id, prompt in enumerate(prompts):
        is_free = sequence_id >= num_constrained
        params = SamplingParams(temperature=0, grammar=None if is_free else GRAMMAR)
        engine.add(sequence_id, prompt, params, None if is_free else compiler.compile(GRAMMAR))


def _decode(engine: LLMEngine, batch: int, num_steps: int) -> list[float]:
    """Prefill, warm up, and time each step in which everybody decodes; the engine is empty then."""
    decoding: set[int] = set()
    while len(decoding) < batch:
        decoding.update(delta.sequence_id for delta in engine.step().deltas)
    seconds = []
    for step in range(NUM_WARMUP_STEPS + num_steps):
        started_at = time.perf_counter()
        output = engine.step()
        if step >= NUM_WARMUP_STEPS:
            seconds.append(time.perf_counter() - started_at)
        assert len(output.deltas) == batch, "nobody ends, and nobody waits"
    for sequence_id in range(batch):
        engine.abort(sequence_id)
    return seconds


def _table(latencies: list[Latency]) -> Table:
    table = make_table("constrained sequences", "ms between tokens p50", "p99")
    for latency in latencies:
        table.add_row(
            str(latency.num_constrained),
            number(latency.median_ms, 2),
            number(latency.p99_ms, 2),
        )
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    return run_command(bench_constrained, arguments)


if __name__ == "__main__":
    sys.exit(main())
