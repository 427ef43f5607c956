"""The engine process: `python -m antiphon.engine.process FD`, where FD is its end of a socket pair.

Takes messages between steps and answers each step with one. It lives as long as the other end of
the socket: when the API process goes, in whatever way, the next read finds the end of the stream
and the engine stops.
"""

import gc
import logging
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

from antiphon.engine.config import EngineConfig
from antiphon.engine.errors import EngineError
from antiphon.engine.generation import EngineCard
from antiphon.engine.grammar_queue import GrammarQueue
from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.messages import (
    LoadProgress,
    Ready,
    Start,
    StartFailed,
    decode_to_engine,
    encode,
)
from antiphon.engine.service import EngineService
from antiphon.models.errors import ModelError

PROGRESS_INTERVAL_SECONDS = 0.1
STACK_BYTES = 64 * 1024**2  # of address space, for each thread that Python starts


def main() -> int:
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("antiphon").setLevel(logging.INFO)
    # A service manager signals every process; when to stop is for the API process to say.
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop_signal, signal.SIG_IGN)
    # llguidance descends into rules by recursion, and an overflow would end the process.
    threading.stack_size(STACK_BYTES)
    connection = Connection(int(sys.argv[1]))
    try:
        start = decode_to_engine(connection.recv_bytes())
        assert isinstance(start, Start), "the first message is Start"
        loaded = _load(connection, start.config)
        if loaded is None:
            return 3
        engine, card = loaded
        connection.send_bytes(encode(Ready(card)))
        _settle_garbage_collector()
        # Now rather than with the first grammar: it takes the interpreter's lock for a while.
        grammars = GrammarQueue()
        grammars.load_vocabulary(Path(card.model_path))
        EngineService(connection, engine, grammars).serve()
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return 0


def _load(connection: Connection, config: EngineConfig) -> tuple[LLMEngine, EngineCard] | None:
    # Takes seconds, and torch with it: the signals have to be ignored before.
    from antiphon.engine.build import build_engine

    try:
        return build_engine(config, _ProgressSender(connection))
    except (EngineError, ModelError) as error:
        connection.send_bytes(encode(StartFailed(str(error))))
        return None


def _settle_garbage_collector() -> None:
    """What is loaded now stays: keep the collector from walking through it between two tokens."""
    gc.collect()
    gc.freeze()


class _ProgressSender:
    """Sends progress at a readable pace: each stage's first report, its last, a few between."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stage: str | None = None
        self._next_time = 0.0

    def __call__(self, stage: str, done: int, total: int | None, unit: str) -> None:
        now = time.monotonic()
        if stage != self._stage or done == total or now >= self._next_time:
            self._stage, self._next_time = stage, now + PROGRESS_INTERVAL_SECONDS
            self._connection.send_bytes(encode(LoadProgress(stage, done, total, unit)))


if __name__ == "__main__":
    sys.exit(main())
