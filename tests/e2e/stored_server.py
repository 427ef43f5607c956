"""A server as a process of its own, around an engine without a model: quick to start, and to kill.

All but the engine is real: sockets, the store in its file, its leases, and what looks after it.
"""

import asyncio
import multiprocessing
import os
import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from antiphon.engine.errors import EngineDied
from antiphon.engine.outputs import FinishReason, SequenceDelta
from antiphon.engine.priority import Priority
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.dialects.registry import dialect_named
from antiphon.models.language_side import LanguageSide
from antiphon.server.app import create_app
from antiphon.server.clock import SystemClock
from antiphon.server.delivery.background import BackgroundResponses
from antiphon.server.ids import RandomIds
from antiphon.server.storage import Storage
from antiphon.server.store.store import StoreConfig
from tests.fake_engine import FakeEngine, FakeGeneration, Script, engine_card
from tests.halting_generation import HaltingGeneration
from tests.serving import make_context
from tests.tiny import train_tokenizer

ENDLESS = "Speak without end."
"""Who is told this speaks a little, and never ends."""

# Words that are often the same: a tokenizer remembers the first 10,000 that it meets.
WORDS = (" Hello", " world", " wörld", " 👋🏽", "\n\n", " 42", "<think>", "</think>\n\n")
MAX_WORDS = 40


class InventiveEngine(FakeEngine):
    """Says something else to every prompt, the same to the same, and remembers nothing."""

    def __init__(self, language_side: LanguageSide) -> None:
        super().__init__(card=engine_card(max_model_len=2**16))
        self._language_side = language_side

    def submit(
        self,
        prompt_token_ids: list[int],
        params: SamplingParams,
        *,
        priority: Priority = Priority.DEFAULT,
        cache_salt: str = "",
    ) -> FakeGeneration:
        self.card.check(prompt_token_ids, params)
        script = self._invented(random.Random(repr(prompt_token_ids)))
        if ENDLESS in self._language_side.tokenizer.decode(prompt_token_ids[-50:]):
            halting = Script(script.token_ids, finish_reason=None)
            return HaltingGeneration(self, 0, halting, prompt_token_ids, params)
        return PacedGeneration(self, 0, script, prompt_token_ids, params)

    def _invented(self, chance: random.Random) -> Script:
        words = [chance.choice(WORDS) for _ in range(chance.randrange(1, MAX_WORDS))]
        deltas = [self._language_side.tokenizer.encode(word) for word in words]
        match chance.randrange(10):
            case 0:
                return Script(deltas, error=EngineDied("The engine ended."))
            case 1 | 2:
                return Script(deltas, FinishReason.LENGTH)
        stop_token_id = self._language_side.generation_defaults.stop_token_ids[0]
        return Script([*deltas, [stop_token_id]])


class PacedGeneration(FakeGeneration):
    """Lets others go on between its deltas, as a real one does."""

    async def __anext__(self) -> SequenceDelta:
        await asyncio.sleep(0)
        return await FakeGeneration.__anext__(self)


class LateClock(SystemClock):
    """Ahead of the machine's own."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds

    def unix_seconds(self) -> int:
        return super().unix_seconds() + self._seconds


@dataclass(frozen=True, slots=True)
class StoredServer:
    process: BaseProcess
    url: str

    def kill(self) -> None:
        """As `kill -9` does; returns when it is gone."""
        self.process.kill()
        self.process.join()


@contextmanager
def stored_server(
    model: Path, store: StoreConfig, *, seconds_ahead: int = 0
) -> Iterator[StoredServer]:
    """Requests wait until it serves. `model`: what `write_model` has written."""
    # Forked from a process that has imported everything: it serves after half a second.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        process = processes.Process(target=_serve, args=(listener, model, store, seconds_ahead))
        process.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = StoredServer(process, url)
    try:
        yield server
    finally:
        server.kill()


def write_model(folder: Path) -> Path:
    """All of a model that a server without an engine needs."""
    train_tokenizer(folder)
    (folder / "config.json").write_text('{"model_type": "llama", "eos_token_id": 2}')
    return folder


def _serve(listener: socket.socket, model: Path, config: StoreConfig, seconds_ahead: int) -> None:
    language_side = replace(LanguageSide.load(model), dialect=dialect_named("qwen3"))
    clock = LateClock(seconds_ahead)
    storage = Storage(config, clock)
    background = BackgroundResponses(storage.store)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        _end_with_parent()
        async with storage.opened(background):
            yield

    context = replace(
        make_context(InventiveEngine(language_side), language_side),
        store=storage.store,
        background=background,
        clock=clock,
        ids=RandomIds(),
    )
    app = create_app(context, lifespan)
    server = uvicorn.Config(app, log_config=None, ws="websockets-sansio", lifespan="on")
    uvicorn.Server(server).run(sockets=[listener])


def _end_with_parent() -> None:
    """A test run that is killed leaves no server behind."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    asyncio.get_running_loop().add_reader(parent.sentinel, os._exit, 1)
