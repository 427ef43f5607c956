"""The model behind the server: an engine and the language side of its model, started together."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from rich.console import Console

from antiphon.engine.client import EngineClient
from antiphon.engine.config import EngineConfig
from antiphon.engine.errors import EngineStartupError, EngineUnavailable
from antiphon.engine.grammar_checker import GrammarChecker
from antiphon.models.errors import ModelError
from antiphon.models.language_side import LanguageSide
from antiphon.server.app import Lifespan
from antiphon.server.progress_bar import open_progress

logger = logging.getLogger(__name__)


class ModelService:
    """An engine, and what is needed to talk to its model.

    chat_template  a file that replaces the model's own template.
    dialect        the name of one that replaces what is detected.
    failure        why the start failed, as one line for the user; None while it has not.
    """

    def __init__(
        self, config: EngineConfig, chat_template: Path | None, dialect: str | None
    ) -> None:
        self.engine = EngineClient(config)
        self.failure: str | None = None
        self._chat_template = chat_template
        self._dialect = dialect
        self._grammar_checker: GrammarChecker | None = None
        self._starting_checker: asyncio.Task[None] | None = None
        self._language_side: LanguageSide | None = None

    def language_side(self) -> LanguageSide:
        """Raises EngineUnavailable until the model is loaded."""
        if self._language_side is None:
            raise EngineUnavailable("The model is still loading.")
        return self._language_side

    async def check_grammar(self, source: str) -> None:
        """Raises InvalidGrammar, and EngineUnavailable until the model is loaded."""
        if self._grammar_checker is None:
            raise EngineUnavailable("The model is still loading.")
        await self._grammar_checker.check(source)

    def lifespan(
        self, console: Console, *, on_ready: Callable[[], None], on_failure: Callable[[], None]
    ) -> Lifespan:
        """Start the engine beside the server, so that the port answers while the model loads."""

        async def start() -> None:
            try:
                await self._start(console)
            except (EngineStartupError, ModelError) as error:
                self.failure = str(error)
                on_failure()
            except Exception as error:
                logger.exception("The engine could not be started.")
                self.failure = f"{type(error).__name__}: {error}"
                on_failure()
            else:
                on_ready()

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            starting = asyncio.create_task(start())
            try:
                yield
            finally:
                starting.cancel()
                await asyncio.wait([starting])
                await self._stop_checker()
                await self.engine.stop()

        return lifespan

    async def _stop_checker(self) -> None:
        if self._grammar_checker is None or self._starting_checker is None:
            return
        self._starting_checker.cancel()
        await asyncio.wait([self._starting_checker])
        await self._grammar_checker.stop()

    async def _start(self, console: Console) -> None:
        with open_progress(console) as progress:
            card = await self.engine.start(progress)
        self._language_side = await asyncio.to_thread(
            LanguageSide.load, Path(card.model_path), self._chat_template, self._dialect
        )
        self._grammar_checker = GrammarChecker(Path(card.model_path))
        # Nobody waits for it: the first check does, if it comes that soon.
        self._starting_checker = asyncio.create_task(self._grammar_checker.start())
        _settle_garbage_collector()


def _settle_garbage_collector() -> None:
    """What is loaded now stays: walking through it would hold up all streams for 0.2 seconds."""
    gc.collect()
    gc.freeze()
