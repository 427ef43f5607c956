"""What does a decode step cost beside the network?

The regime: every sequence decodes, none begins or ends; a network that computes nothing. A step is
scheduled, its batch is built, its logits are sampled from 64 tokens, its output is taken and
encoded for the other process. Of each step the CPU time of this process is measured, as the machine
may have other work: the median, and the least, which is what the code needs when nothing disturbs.

    python -m benchmarks.bench_step --batch 1,32,256
"""

import gc
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import torch
import typer

from antiphon.engine.block_manager import BlockManager
from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.messages import Stepped, encode
from antiphon.engine.model_runner import NetworkRunner
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.scheduler import Scheduler
from benchmarks.command_line import parse_numbers, run_command
from benchmarks.null_network import VOCAB_SIZE, NullNetwork
from benchmarks.report import make_table, number, publish, timestamp
from benchmarks.workload import random_prompts

SCHEMA = "antiphon.bench.step/1"
BLOCK_SIZE = 16
WARMUP_STEPS = 20
TARGETS_MS = {1: 0.25, 32: 0.4, 256: 0.9}
KINDS = {
    "greedy": SamplingParams(temperature=0),
    "sampled": SamplingParams(temperature=0.8, seed=1),
    "penalised": SamplingParams(temperature=0, frequency_penalty=0.5, repetition_penalty=1.1),
}


@dataclass(frozen=True, slots=True)
class StepCost:
    """CPU milliseconds of one process, per step."""

    kind: str
    batch_size: int
    median_ms: float
    least_ms: float
    target_ms: float | None


def bench_step(
    batch: Annotated[str, typer.Option(help="Sequences that decode at once.")] = "1,32,256",
    context: Annotated[int, typer.Option(min=2, help="Tokens of each prompt.")] = 1000,
    steps: Annotated[int, typer.Option(min=1, help="Steps that are measured.")] = 400,
    seed: Annotated[int, typer.Option(help="Of the prompts.")] = 0,
) -> None:
    """Measure what a decode step costs beside the network."""
    started_at = timestamp()
    torch.set_num_threads(1)  # threads that wait for each other would be counted as work
    costs = [
        measure(kind, size, context=context, steps=steps, seed=seed)
        for kind in KINDS
        for size in parse_numbers(batch, "--batch")
    ]
    table = make_table("sampling", "batch", "median ms", "least ms", "target ms")
    for cost in costs:
        table.add_row(
            cost.kind,
            str(cost.batch_size),
            number(cost.median_ms, 3),
            number(cost.least_ms, 3),
            number(cost.target_ms, 2),
        )
    document = {
        "schema": SCHEMA,
        "started_at": started_at,
        "context": context,
        "steps": steps,
        "costs": [asdict(cost) for cost in costs],
    }
    publish(f"CPU time of a decode step, {context} tokens of context", table, (), document)


def measure(kind: str, batch_size: int, *, context: int, steps: int, seed: int) -> StepCost:
    engine = _engine(batch_size, 2 * context + WARMUP_STEPS + steps + batch_size)
    prompts = random_prompts(batch_size, context, vocab_size=VOCAB_SIZE, seed=seed)
    for sequence_id, prompt in enumerate(prompts):
        engine.add(sequence_id, prompt, KINDS[kind])
    num_begun = 0
    while num_begun < batch_size:  # the first token of each comes with the end of its prompt
        num_begun = max(num_begun, len(engine.step().deltas))
    for _ in range(WARMUP_STEPS):
        engine.step()
    gc.collect()
    gc.freeze()  # as the engine process does once its model is loaded
    seconds = [_step_seconds(engine) for _ in range(steps)]
    return StepCost(
        kind,
        batch_size,
        1000 * statistics.median(seconds),
        1000 * min(seconds),
        TARGETS_MS.get(batch_size) if kind == "greedy" else None,
    )


def _engine(batch_size: int, max_sequence_len: int) -> LLMEngine:
    num_blocks = batch_size * (max_sequence_len // BLOCK_SIZE + 2)
    blocks = BlockManager(num_blocks, BLOCK_SIZE)
    scheduler = Scheduler(blocks, max_num_seqs=batch_size, max_num_batched_tokens=batch_size + 2048)
    runner = NetworkRunner(NullNetwork(batch_size), BLOCK_SIZE)
    return LLMEngine(blocks, scheduler, runner, max_sequence_len=max_sequence_len)


def _step_seconds(engine: LLMEngine) -> float:
    started = time.process_time()
    encode(Stepped(engine.step()))
    return time.process_time() - started


def main(arguments: Sequence[str] | None = None) -> int:
    return run_command(bench_step, arguments)


if __name__ == "__main__":
    sys.exit(main())
