"""How many token events does one API process stream, and what does each cost it?

The regime: `antiphon serve` over real sockets around an engine process without a model, which says
a fixed text in the default model's tokens (3.6 bytes each), a token for each running sequence and
step, so many in all. A client process counts events in the bytes. Half of the numbers are times of
a machine that has only so many cores for the three of them; the CPU time of the API process is what
holds on a busy one too. The theoretical ceiling of one core is what uvicorn, a socket and waking
its reader take: about 15 microseconds an event.

    python -m benchmarks.bench_server
"""

import math
import multiprocessing
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from antiphon.models.cache import ModelCache
from antiphon.models.catalog import DEFAULT_MODEL
from antiphon.models.progress import ignore_progress
from antiphon.models.source import Weights, locate
from antiphon.server.settings import Settings
from benchmarks.command_line import parse_numbers, run_command
from benchmarks.event_counter import Asked, Counted, count_events
from benchmarks.report import make_table, number, publish, timestamp
from benchmarks.token_server import TokenServer, token_server

SCHEMA = "antiphon.bench.server/1"
PROMPT = "Say something."


class Way(StrEnum):
    """How answers are asked for."""

    STORED = "responses, stored"
    UNSTORED = "responses"
    CHAT = "chat completions"


@dataclass(frozen=True, slots=True)
class Case:
    """num_streams at once, of num_tokens each."""

    way: Way
    num_streams: int
    num_tokens: int

    def asked(self) -> Asked:
        body: dict[str, Any] = {"stream": True}
        if self.way is Way.CHAT:
            messages = [{"role": "user", "content": PROMPT}]
            body |= {"messages": messages, "max_tokens": self.num_tokens}
            return Asked("/v1/chat/completions", body, b'"delta":{"content":')
        body |= {"input": PROMPT, "max_output_tokens": self.num_tokens}
        body |= {"store": self.way is Way.STORED}
        return Asked("/v1/responses", body, b"event: response.output_text.delta")


@dataclass(frozen=True, slots=True)
class Result:
    """events_per_cpu_second: what one core would stream if it did nothing else."""

    case: Case
    num_requests: int
    events_per_second: float
    tokens_per_second: float
    tokens_per_event: float
    cpu_seconds_per_1000_tokens: float
    events_per_cpu_second: float
    gap_ms_p50: float
    gap_ms_p99: float
    gap_ms_max: float


def bench_server(
    model: Annotated[str, typer.Option(help="Whose tokenizer and template are used.")] = (
        DEFAULT_MODEL
    ),
    streams: Annotated[str, typer.Option(help="Streams at once, one case each.")] = "1,16,64,256",
    tokens: Annotated[int, typer.Option(min=1, help="Of each answer.")] = 500,
    total_tokens: Annotated[int, typer.Option(min=1, help="Of each case, at least.")] = 100_000,
    rate: Annotated[float, typer.Option(min=0, help="Tokens/s of the engine; 0: all it can.")] = (
        20_000
    ),
) -> None:
    """Stream tokens that no model has made, and see what the server makes of them."""
    # The processes that this one starts import this module too, and never torch.
    import torch

    from benchmarks.hardware import Hardware

    started_at = timestamp()
    levels = parse_numbers(streams, "--streams")
    cases = [Case(way, num_streams, tokens) for num_streams in levels for way in Way]
    with tempfile.TemporaryDirectory() as folder:
        results = measure(cases, _settings(_folder(model), Path(folder)), total_tokens, rate)
    hardware = Hardware.of(torch.device("cpu"))
    document = {
        "schema": SCHEMA,
        "started_at": started_at,
        "settings": {"model": model, "total_tokens": total_tokens, "rate": rate},
        "hardware": asdict(hardware),
        "results": [asdict(result) for result in results],
    }
    title = f"answers of {tokens} tokens; the engine says {rate:.0f} a second (0: all it can)"
    publish(title, _table(results), [str(hardware)], document)


def measure(
    cases: Sequence[Case], settings: Settings, total_tokens: int, rate: float
) -> list[Result]:
    """One after the other, with one server."""
    client = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    with token_server(settings, rate) as server, client:
        warm_up = cases[0]
        _run(warm_up, server, client, warm_up.num_streams)
        return [
            _measured(case, server, client, max(case.num_streams, total_tokens // case.num_tokens))
            for case in cases
        ]


def _measured(
    case: Case, server: TokenServer, client: ProcessPoolExecutor, num_requests: int
) -> Result:
    cpu_seconds = server.cpu_seconds
    counted = _run(case, server, client, num_requests)
    cpu_seconds = server.cpu_seconds - cpu_seconds
    num_tokens = num_requests * case.num_tokens
    gaps = sorted(counted.gap_seconds)
    return Result(
        case=case,
        num_requests=num_requests,
        events_per_second=counted.num_events / counted.seconds,
        tokens_per_second=num_tokens / counted.seconds,
        tokens_per_event=num_tokens / counted.num_events,
        cpu_seconds_per_1000_tokens=1000 * cpu_seconds / num_tokens,
        events_per_cpu_second=counted.num_events / cpu_seconds if cpu_seconds else math.inf,
        gap_ms_p50=1000 * _percentile(gaps, 50),
        gap_ms_p99=1000 * _percentile(gaps, 99),
        gap_ms_max=1000 * _percentile(gaps, 100),
    )


def _run(
    case: Case, server: TokenServer, client: ProcessPoolExecutor, num_requests: int
) -> Counted:
    counting = client.submit(
        count_events, server.address, case.asked(), case.num_streams, num_requests
    )
    return counting.result()


def _percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[(len(ordered) - 1) * percent // 100] if ordered else 0.0


def _folder(model: str) -> Path:
    return locate(
        model,
        cache=ModelCache.default(),
        offline=False,
        allow_pickle=False,
        progress=ignore_progress,
        weights=Weights.NONE,
    )


def _settings(model: Path, data_dir: Path) -> Settings:
    return Settings(model=str(model), data_dir=data_dir, max_num_seqs=1024, log_level="warning")


def _table(results: Sequence[Result]) -> Table:
    columns = ("events/s", "tokens/s", "tokens/event", "CPU s/1000 tokens", "events/CPU s")
    gaps = ("gap ms p50", "p99", "max")
    table = make_table("streams", "asked for", *columns, *gaps)
    for result in results:
        case = result.case
        table.add_row(
            str(case.num_streams),
            case.way,
            number(result.events_per_second, 0),
            number(result.tokens_per_second, 0),
            number(result.tokens_per_event, 2),
            number(result.cpu_seconds_per_1000_tokens, 4),
            number(result.events_per_cpu_second, 0),
            number(result.gap_ms_p50, 2),
            number(result.gap_ms_p99, 2),
            number(result.gap_ms_max, 0),
        )
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    return run_command(bench_server, arguments)


if __name__ == "__main__":
    sys.exit(main())
