"""`antiphon serve` as a user runs it: a process of its own, on a free port of this machine."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

START_TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class LiveServer:
    process: "subprocess.Popen[str]"
    url: str

    def wait_until_ready(self) -> None:
        """Raises AssertionError when the server ends or takes too long instead."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "the server ended before it was ready"
            if httpx.get(f"{self.url}/ready").status_code == 200:
                return
            time.sleep(0.1)
        raise AssertionError("the server was never ready")

    def family(self) -> list[psutil.Process]:
        """The server's process and everything it started."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "antiphon.server", *arguments]


@contextmanager
def start_server(model: str, *flags: str, cwd: Path | None = None) -> Iterator[LiveServer]:
    """The port is open when the block is entered, the model perhaps not loaded yet.

    Its data folder is its own, and gone afterwards, unless a flag names another.
    """
    with tempfile.TemporaryDirectory() as data_dir:
        process = subprocess.Popen(
            command("serve", model, "--port", "0", "--device", "cpu", *flags),
            stdout=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "ANTIPHON_DATA_DIR": data_dir},
        )
        with _ending(process):
            yield LiveServer(process, _url(process))


def _url(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+:\d+", line)
    assert found, f"the first line names no address: {line!r}"
    return found.group()


@contextmanager
def _ending(process: "subprocess.Popen[str]") -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
