"""`antiphon serve` in a process of its own, around the engine process of `token_source`."""

import multiprocessing
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from rich.console import Console

from antiphon.engine.client import EngineClient
from antiphon.server.app import create_app
from antiphon.server.http_server import HTTPServer
from antiphon.server.model_service import ModelService
from antiphon.server.server_life import ServerLife
from antiphon.server.settings import Settings

TOKEN_SOURCE = Path(__file__).with_name("token_source.py")
START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class TokenServer:
    """A running server. address: host and port."""

    address: tuple[str, int]
    process: psutil.Process

    @property
    def cpu_seconds(self) -> float:
        """Of the API process alone, since it began."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def token_server(settings: Settings, tokens_per_second: float) -> Iterator[TokenServer]:
    """Ready when the block is entered. `settings` name a folder with a tokenizer for a model."""
    # Spawned: nothing that this process has imported is in it.
    processes = multiprocessing.get_context("spawn")
    with socket.create_server((settings.host, 0), backlog=2048) as listener:
        address: tuple[str, int] = listener.getsockname()[:2]
        process = processes.Process(target=_serve, args=(listener, settings, tokens_per_second))
        process.start()
    assert process.pid is not None
    try:
        _wait_until_ready(address)
        yield TokenServer(address, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.join(STOP_TIMEOUT_SECONDS)
        process.kill()


def _serve(listener: socket.socket, settings: Settings, tokens_per_second: float) -> None:
    console = Console(stderr=True)
    service = ModelService(settings.engine_config(), settings.chat_template, settings.dialect)
    command = (sys.executable, "-P", str(TOKEN_SOURCE), str(tokens_per_second))
    service.engine = EngineClient(settings.engine_config(), command)
    life = ServerLife(settings, service, console)
    server = HTTPServer(
        settings, console, end_running=service.engine.fail_running, num_in_background=int
    )
    lifespan = life.lifespan(on_ready=lambda: None, on_failure=server.stop)
    server.serve(create_app(life.context, lifespan), listener)
    if life.failure is not None:
        console.print(life.failure, markup=False)


def _wait_until_ready(address: tuple[str, int]) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        answer = httpx.get(f"http://{address[0]}:{address[1]}/ready", timeout=START_TIMEOUT_SECONDS)
        if answer.status_code == 200:
            return
        time.sleep(0.1)
    raise TimeoutError("the server did not become ready")
