"""From the first to the last moment of a server: what is opened before what, and closed after."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from rich.console import Console

from antiphon.server.app import Lifespan
from antiphon.server.caller import ApiKeys, Reception
from antiphon.server.clock import SystemClock
from antiphon.server.context import Limits, ServerContext
from antiphon.server.delivery.background import BackgroundResponses
from antiphon.server.files.file_texts import FileTexts
from antiphon.server.files.remote_fetch import FetchConfig
from antiphon.server.model_service import ModelService
from antiphon.server.seal import Seal
from antiphon.server.settings import Settings
from antiphon.server.storage import Storage
from antiphon.server.store.errors import StoreUnavailable

SEAL_KEY = "seal.key"
# When the engine has ended everything, what is left is to store it.
LAST_SECONDS = 5.0


class ServerLife:
    """One server's context, and its lifespan.

    failure  why the start failed, as one line for the user; None while it has not.

    Raises SealKeyUnusable.
    """

    def __init__(self, settings: Settings, service: ModelService, console: Console) -> None:
        self._service = service
        self._console = console
        self._storage = Storage(settings.store_config(), SystemClock())
        self._store_failure: str | None = None
        self.context = _context(settings, service, self._storage)

    @property
    def failure(self) -> str | None:
        return self._store_failure or self._service.failure

    def lifespan(self, *, on_ready: Callable[[], None], on_failure: Callable[[], None]) -> Lifespan:
        background = self.context.background
        service = self._service.lifespan(self._console, on_ready=on_ready, on_failure=on_failure)

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with AsyncExitStack() as stack:
                try:
                    await stack.enter_async_context(self._storage.opened(background))
                except StoreUnavailable as error:
                    self._store_failure = str(error)
                    on_failure()
                else:
                    stack.push_async_callback(self.context.file_texts.close)
                    stack.push_async_callback(background.drain, LAST_SECONDS)
                    await stack.enter_async_context(service(app))
                    # The engine ends them all when the time to drain is over.
                    stack.push_async_callback(background.drain, None)
                yield

        return lifespan


def _context(settings: Settings, service: ModelService, storage: Storage) -> ServerContext:
    return ServerContext(
        engine=service.engine,
        language_side=service.language_side,
        check_grammar=service.check_grammar,
        model_names=settings.served_model_names,
        store=storage.store,
        seal=Seal.from_file(settings.data_folder / SEAL_KEY),
        file_texts=FileTexts(
            FetchConfig(
                is_allowed=settings.fetch_urls, allows_private=settings.fetch_private_addresses
            )
        ),
        reception=Reception(ApiKeys(settings.api_key or ()), settings.reasoning_events),
        background=BackgroundResponses(storage.store),
        unsupported_tools=settings.unsupported_tools,
        limits=Limits(
            max_body_bytes=settings.max_body_bytes,
            websocket_max_seconds=settings.websocket_max_seconds if settings.websocket else None,
        ),
    )
