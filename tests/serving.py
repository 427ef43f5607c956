"""A server around a fake engine: in memory for most tests, on loopback where sockets matter."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import uvicorn

from antiphon.engine.grammar import GrammarCompiler
from antiphon.engine.grammar_vocabulary import GrammarVocabulary
from antiphon.models.language_side import LanguageSide
from antiphon.server.app import create_app
from antiphon.server.caller import ApiKeys, Reception
from antiphon.server.clock import Clock
from antiphon.server.context import Limits, ServerContext
from antiphon.server.delivery.background import BackgroundResponses
from antiphon.server.files.file_texts import FileTexts
from antiphon.server.files.remote_fetch import FetchConfig
from antiphon.server.seal import Seal
from antiphon.server.store.database import open_database
from antiphon.server.store.store import Store, StoreConfig
from tests.fake_engine import FakeEngine
from tests.schema import check_response
from tests.stream_rules import Event, parse_stream

MODEL = "tiny"

EncodePieces = Callable[..., list[list[int]]]


class StandingClock:
    def unix_seconds(self) -> int:
        return 1_700_000_000


class CountingIds:
    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self, prefix: str) -> str:
        return f"{prefix}_{next(self._numbers)}"


# Fernet's: 32 bytes as base64.
SEAL = Seal(b"c2VhbCBvZiB0aGUgdGVzdHMsIDMyIGJ5dGVzIGxvbmc=")


def make_store(clock: Clock | None = None, max_bytes: int = 2**30) -> Store:
    """An empty one, in memory."""
    config = StoreConfig("sqlite://", max_bytes, max_age_seconds=3600)
    return Store(open_database(config.url), config, clock or StandingClock())


def make_context(
    engine: FakeEngine,
    language_side: LanguageSide,
    limits: Limits | None = None,
    *,
    store: Store | None = None,
    **changes: Any,  # noqa: ANN401 - each has its own field's type
) -> ServerContext:
    """`changes`: other fields of the context."""
    kept = store or make_store()
    context = ServerContext(
        engine=engine,
        language_side=lambda: language_side,
        check_grammar=grammar_check(language_side),
        model_names=(MODEL, "org/alias"),
        store=lambda: kept,
        seal=SEAL,
        file_texts=FileTexts(FetchConfig()),
        reception=Reception(ApiKeys()),
        background=BackgroundResponses(lambda: kept),
        clock=StandingClock(),
        ids=CountingIds(),
        limits=limits or Limits(),
    )
    return replace(context, **changes)


def grammar_check(language_side: LanguageSide) -> Callable[[str], Awaitable[None]]:
    """The engine's own check, without a process around it."""

    async def check(source: str) -> None:
        GrammarCompiler(GrammarVocabulary.of(language_side.tokenizer)).compile(source)

    return check


class Client:
    """Talks to one app in memory, and checks every answer on its way."""

    def __init__(self, context: ServerContext) -> None:
        transport = httpx.ASGITransport(app=create_app(context))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://test")

    async def respond(self, **body: object) -> dict[str, Any]:
        """The plain answer, whatever became of it."""
        answer = await self.http.post("/v1/responses", json={"input": "Hi", **body})
        response: dict[str, Any] = answer.json()
        assert answer.status_code == (500 if response.get("status") == "failed" else 200), response
        check_response(response)
        return response

    async def stream(self, **body: object) -> list[Event]:
        answer = await self.http.post("/v1/responses", json={"input": "Hi", "stream": True, **body})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        return parse_stream(answer.text)

    async def refusal(self, status: int, **body: object) -> dict[str, Any]:
        """The error of a request that must be refused."""
        answer = await self.http.post("/v1/responses", json={"input": "Hi", **body})
        return error_of(answer, status)


def error_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The error in an answer, after a look at its shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["x-request-id"]
    body = answer.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() == {"type", "code", "message", "param"}
    error: dict[str, Any] = body["error"]
    return error


class LoopbackServer(uvicorn.Server):
    """Stops when it is told to, instead of looking ten times a second whether it was."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told_to_stop = asyncio.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.told_to_stop.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the test runner."""
        yield


@contextlib.asynccontextmanager
async def loopback(
    context: ServerContext, *, send_buffer_bytes: int | None = None
) -> AsyncIterator[str]:
    """A real server on a free port; gives its base URL.

    send_buffer_bytes  what the system may hold for a client that does not read; megabytes if unset.
    """
    config = uvicorn.Config(create_app(context), log_config=None, ws="websockets-sansio")
    server = LoopbackServer(config)
    with socket.socket() as listener:
        if send_buffer_bytes is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        listener.bind(("127.0.0.1", 0))
        listener.listen()  # from here on connections wait, so nobody has to wait for the server
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.told_to_stop.set()
            await serving
