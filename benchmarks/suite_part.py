"""One part of the GPU suite: a module that is run in a process of its own, for a limited time."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Part:
    """A module with its arguments, and the seconds after which it is stopped."""

    name: str
    arguments: tuple[str, ...]
    limit_seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a part.

    last_line  of its output.
    """

    name: str
    passed: bool
    seconds: float
    last_line: str

    @property
    def document(self) -> dict[str, Any]:
        """A benchmark's JSON; empty for what does not end with any."""
        try:
            document = json.loads(self.last_line)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}


def run_part(part: Part) -> Outcome:
    """Its output is shown as it comes."""
    print(f"$ python -m {' '.join(part.arguments)}", flush=True)
    began = time.monotonic()
    command = [sys.executable, "-m", *part.arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        timer = Timer(part.limit_seconds, process.kill)
        timer.start()
        last_line = _shown(process)
        code = process.wait()
        timer.cancel()
    seconds = time.monotonic() - began
    if code < 0:
        print(f"{part.name}: stopped after {seconds:.0f} seconds", flush=True)
    return Outcome(part.name, code == 0, seconds, last_line)


def _shown(process: "subprocess.Popen[str]") -> str:
    """Returns the last line that is not empty."""
    last_line = ""
    assert process.stdout is not None, "it is piped"
    for line in process.stdout:
        print(line, end="", flush=True)
        last_line = line.strip() or last_line
    return last_line
