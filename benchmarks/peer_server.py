"""One peer, running: started, waited for, and gone at the end with everything it started."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from antiphon.engine.errors import EngineStartupError
from benchmarks.peers import Peer

START_SECONDS = 600.0  # vLLM takes minutes
STOP_SECONDS = 20.0
POLL_SECONDS = 0.5


@contextmanager
def running(peer: Peer, *, home: Path, model: Path, log_folder: Path) -> Iterator[str]:
    """Its address, once it answers. Raises EngineStartupError when it doesn't."""
    port = _free_port()
    log_folder.mkdir(parents=True, exist_ok=True)
    log = log_folder / f"{peer.name.replace(', ', '-').replace(' ', '-')}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            peer.command(home=home, model=model, port=port),
            env=os.environ | dict(peer.environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_it_answers(process, address, peer, log)
            yield address
        finally:
            _stop(process)


def _wait_until_it_answers(
    process: "subprocess.Popen[bytes]", address: str, peer: Peer, log: Path
) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up_at:
        if process.poll() is not None:
            raise EngineStartupError(f"{peer.name} ended before it answered; see {log}")
        try:
            if httpx.get(address + peer.ready_path, timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(POLL_SECONDS)
    raise EngineStartupError(f"{peer.name} does not answer after {START_SECONDS:.0f} s; see {log}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
