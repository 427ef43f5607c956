"""One run from plan to published result, Ctrl-C included."""

import asyncio
import json
import sys
import time
from datetime import datetime
from pathlib import Path

import httpx
from rich.console import Console

from antiphon.server.bench.benchmark import Benchmark
from antiphon.server.bench.errors import NothingMeasured
from antiphon.server.bench.plan import BenchPlan
from antiphon.server.bench.plot import draw
from antiphon.server.bench.report import Report
from antiphon.server.exit_code import ExitCode
from antiphon.server.progress_bar import open_progress

CONNECT_TIMEOUT_SECONDS = 10.0
PLAIN_WIDTH = 140  # columns of a table that is read from a file: nothing is cut off there


def run_session(
    plan: BenchPlan, api_key: str | None, json_file: Path | None, plot_file: Path | None
) -> ExitCode:
    """Measure and publish; the exit code. Raises BenchError if there is nothing to publish."""
    started_at = datetime.now().astimezone().isoformat(timespec="seconds")
    code = ExitCode.OK
    with open_progress(Console(stderr=True)) as progress:
        benchmark = Benchmark(plan, _client(plan, api_key), progress, time.perf_counter)
        try:
            asyncio.run(benchmark.run())
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
    levels = tuple(benchmark.summaries)
    if benchmark.preparation is None or not levels:
        raise NothingMeasured("interrupted before a request had ended")
    report = Report(started_at, plan, benchmark.preparation, levels)
    publish(report, json_file, plot_file)
    if code is ExitCode.OK and not report.num_completed:
        return ExitCode.FAILED
    return code


def publish(report: Report, json_file: Path | None, plot_file: Path | None) -> None:
    """Files first, so that a closed stdout costs none; the last line is the document."""
    document = report.document()
    if json_file is not None:
        json_file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if plot_file is not None:
        draw(report.title, report.levels, plot_file)
    report.print_to(Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH))
    print(json.dumps(document, separators=(",", ":")))


def _client(plan: BenchPlan, api_key: str | None) -> httpx.AsyncClient:
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    if api_key is not None:
        headers["Authorization"] = f"Bearer {api_key}"
    return httpx.AsyncClient(
        base_url=plan.base_url,
        headers=headers,
        timeout=httpx.Timeout(plan.timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS),
        limits=httpx.Limits(max_connections=None),
        trust_env=False,  # a proxy on the way would be measured too
    )
