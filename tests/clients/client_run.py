"""One client's way through all its scenarios, in one process."""

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.clients.client import Client, Scenario, client_variables
from tests.clients.environment import ROOT

Json = dict[str, Any]

# A story that nobody hangs up on takes minutes.
IDLE_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ClientRun:
    """
    reports     what the driver printed of each scenario.
    engine      of /health, when the client had left but its process was still there.
    """

    client: Client
    reports: Mapping[str, Json]
    engine: Json

    def saw(self, scenario: Scenario) -> Json:
        """Raises AssertionError, with the client's own traceback, if it did not come through."""
        assert scenario in self.reports, "the driver ended before this scenario did"
        report = self.reports[scenario]
        assert "failure" not in report, report["failure"]
        saw: Json = report["saw"]
        return saw


def run_client(client: Client, *, url: str, model: str, home: Path) -> ClientRun:
    process = subprocess.Popen(
        client.command(f"{url}/v1", model, *client.scenarios),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=client_variables(home),
    )
    with process:
        try:
            reports = _read_reports(process, len(client.scenarios))
            return ClientRun(client, reports, _engine_once_idle(url))
        finally:
            process.kill()


def _read_reports(process: "subprocess.Popen[str]", count: int) -> dict[str, Json]:
    """The first `count` lines of JSON, or fewer if the process ends; other lines are skipped."""
    assert process.stdout is not None
    reports: dict[str, Json] = {}
    while len(reports) < count and (line := process.stdout.readline()):
        if line.startswith('{"scenario"'):
            report = json.loads(line)
            reports[report["scenario"]] = report
    return reports


def _engine_once_idle(url: str) -> Json:
    """What /health says of the engine once nothing runs or waits, or in the end."""
    deadline = time.monotonic() + IDLE_TIMEOUT_SECONDS
    while True:
        engine: Json = httpx.get(f"{url}/health").json()["engine"]
        is_idle = not engine["running"] and not engine["waiting"]
        if is_idle or time.monotonic() > deadline:
            return engine
