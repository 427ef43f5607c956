"""How does antiphon compare with the other servers that run the same model here?

The regime: every server with its own HTTP on this machine, the load generator beside it, prompts of
random words, greedy answers. A round starts each server, measures every level, and stops it; every
other round goes through them backwards; a number is the median of the rounds. With a prefix, all
prompts begin with the same words, which a server may keep.

    benchmarks/set_up_peers.sh .peers && python -m benchmarks.bench_peers
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import httpx
import torch
import typer
from rich.console import Console
from rich.table import Table

from antiphon.engine.errors import EngineError
from antiphon.models.cache import ModelCache
from antiphon.models.catalog import DEFAULT_MODEL
from antiphon.models.progress import Progress, ignore_progress
from antiphon.models.source import locate
from antiphon.server.bench.benchmark import Benchmark
from antiphon.server.bench.errors import BenchError
from antiphon.server.bench.plan import BenchPlan
from antiphon.server.bench.summary import LevelSummary
from antiphon.server.progress_bar import open_progress
from benchmarks.command_line import parse_numbers, run_command
from benchmarks.hardware import Hardware
from benchmarks.peer_server import running
from benchmarks.peers import PEERS, Peer, peer_named
from benchmarks.report import make_table, number, publish, timestamp

SCHEMA = "antiphon.bench.peers/1"
TIMEOUT_SECONDS = 600.0
MIN_REQUESTS = 4


@dataclass(frozen=True, slots=True)
class Settings:
    """What one run is asked to do; lengths in tokens."""

    peers: tuple[str, ...]
    home: str
    concurrency: tuple[int, ...]
    prompt_tokens: int
    output_tokens: int
    prefix_tokens: int
    rounds: int

    def plan(self, peer: Peer, address: str, model: str, level: int) -> BenchPlan:
        return BenchPlan(
            base_url=address,
            endpoint=peer.endpoint,
            model=model,
            concurrency=(level,),
            prompt_tokens=self.prompt_tokens,
            output_tokens=self.output_tokens,
            num_requests=max(MIN_REQUESTS, level),
            prefix_tokens=self.prefix_tokens,
            seed=level,  # no level finds the prompts of another in a cache
            temperature=0.0,
            ignore_eos=True,
            num_warmup=min(level, 4),
            timeout_seconds=TIMEOUT_SECONDS,
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """One peer at one level: medians over the rounds in which it answered."""

    peer: str
    weights: str
    concurrency: int
    output_tokens_per_second: float
    ttft_ms: float
    inter_token_ms: float | None
    num_failed: int
    num_rounds: int

    @classmethod
    def of(cls, peer: Peer, summaries: list[LevelSummary]) -> "Cell":
        inter_token = [each.inter_token_ms.p50 for each in summaries if each.inter_token_ms]
        return cls(
            peer.name,
            peer.weights,
            summaries[0].concurrency,
            median(each.output_tokens_per_second for each in summaries),
            median(each.ttft_ms.p50 for each in summaries if each.ttft_ms),
            median(inter_token) if inter_token else None,
            sum(each.num_requests - each.num_completed for each in summaries),
            len(summaries),
        )


def bench_peers(
    peers: Annotated[
        str, typer.Option(help="Names, separated by semicolons. Unset: all of them.")
    ] = "",
    home: Annotated[str, typer.Option(help="Where set_up_peers.sh has put them.")] = ".peers",
    concurrency: Annotated[str, typer.Option(help="Requests at once.")] = "1,4,16,32",
    prompt_tokens: Annotated[int, typer.Option(min=1, help="Of each prompt.")] = 128,
    output_tokens: Annotated[int, typer.Option(min=2, help="Of each answer.")] = 64,
    prefix_tokens: Annotated[int, typer.Option(min=0, help="Shared by all prompts.")] = 0,
    rounds: Annotated[int, typer.Option(min=1, help="Of which the median is reported.")] = 3,
) -> None:
    """Measure antiphon and its peers in one run, one server at a time."""
    settings = Settings(
        peers=tuple(filter(None, peers.split(";"))) or tuple(peer.name for peer in PEERS),
        home=home,
        concurrency=parse_numbers(concurrency, "--concurrency"),
        prompt_tokens=prompt_tokens,
        output_tokens=output_tokens,
        prefix_tokens=prefix_tokens,
        rounds=rounds,
    )
    try:
        chosen = [peer_named(name) for name in settings.peers]
    except KeyError as error:
        known = "; ".join(peer.name for peer in PEERS)
        raise typer.BadParameter(f"{error} is none of {known}", param_hint="--peers") from error
    with open_progress(Console(stderr=True)) as progress:
        run(settings, chosen, progress)


def run(settings: Settings, peers: list[Peer], progress: Progress) -> None:
    """Measure and publish. A peer that doesn't start is reported and left out."""
    started_at = timestamp()
    model = locate(
        DEFAULT_MODEL,
        cache=ModelCache.default(),
        offline=False,
        allow_pickle=False,
        progress=progress,
    )
    found, notes = _measure_rounds(settings, peers, model, progress)
    cells = [
        Cell.of(peer, found[peer.name, level])
        for peer in peers
        for level in settings.concurrency
        if any(each.num_completed for each in found.get((peer.name, level), []))
    ]
    hardware = Hardware.of(torch.device("cpu"))
    document = {
        "schema": SCHEMA,
        "started_at": started_at,
        "settings": asdict(settings),
        "hardware": asdict(hardware),
        "commands": {
            peer.name: " ".join(peer.command(home=Path(settings.home), model=model, port=0))
            for peer in peers
        },
        "cells": [asdict(cell) for cell in cells],
        "notes": notes,
    }
    title = (
        f"{DEFAULT_MODEL}: {settings.prompt_tokens} tokens in after a prefix of "
        f"{settings.prefix_tokens}, {settings.output_tokens} out"
    )
    publish(title, _table(cells), [*notes, str(hardware)], document)


def _measure_rounds(
    settings: Settings, peers: list[Peer], model: Path, progress: Progress
) -> tuple[dict[tuple[str, int], list[LevelSummary]], list[str]]:
    """Summaries by a peer's name and its level, and why peers were left out of rounds."""
    found: dict[tuple[str, int], list[LevelSummary]] = {}
    notes: list[str] = []
    for index in range(settings.rounds):
        for position, peer in enumerate(peers if index % 2 == 0 else reversed(peers)):
            progress(f"round {index + 1}", position, len(peers), "servers")
            try:
                for summary in _measure(settings, peer, model):
                    found.setdefault((peer.name, summary.concurrency), []).append(summary)
            except (BenchError, EngineError) as error:
                notes.append(f"{peer.name}: {error}")
    return found, notes


def _measure(settings: Settings, peer: Peer, model: Path) -> list[LevelSummary]:
    home = Path(settings.home)
    with running(peer, home=home, model=model, log_folder=home / "logs") as address:
        name = _model_name(address)
        return [
            summary
            for level in settings.concurrency
            if level <= peer.max_level
            for summary in asyncio.run(_level(settings.plan(peer, address, name, level)))
        ]


async def _level(plan: BenchPlan) -> list[LevelSummary]:
    client = httpx.AsyncClient(
        base_url=plan.base_url,
        headers={"content-type": "application/json"},
        timeout=plan.timeout_seconds,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
    )
    benchmark = Benchmark(plan, client, ignore_progress, time.perf_counter)
    await benchmark.run()
    return benchmark.summaries


def _model_name(address: str) -> str:
    """What the server calls its model."""
    answer = httpx.get(f"{address}/v1/models", timeout=TIMEOUT_SECONDS)
    return str(answer.json()["data"][0]["id"])


def _table(cells: list[Cell]) -> Table:
    table = make_table(
        "server", "weights", "at once", "output tok/s", "TTFT ms", "inter-token ms", "failed"
    )
    for cell in cells:
        table.add_row(
            cell.peer,
            cell.weights,
            str(cell.concurrency),
            number(cell.output_tokens_per_second, 1),
            number(cell.ttft_ms, 0),
            number(cell.inter_token_ms, 1),
            str(cell.num_failed),
        )
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    return run_command(bench_peers, arguments)


if __name__ == "__main__":
    sys.exit(main())
