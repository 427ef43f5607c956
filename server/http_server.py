"""uvicorn, with a say on how it ends: the first Ctrl-C drains, a second one quits."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable
from math import ceil
from types import FrameType

import uvicorn
from fastapi import FastAPI
from rich.console import Console

from antiphon.server.exit_code import ExitCode
from antiphon.server.settings import Settings

# uvicorn's own limit only backs up ours, at which responses end in good order.
LAST_RESORT_SECONDS = 5

UVICORN_LOG_LEVELS = {"debug": "debug", "info": "warning", "warning": "warning", "error": "error"}


class HTTPServer:
    """Serves one application on one listening socket.

    end_running        is called when the time to drain is over: it makes every response end.
    num_in_background  of the responses that run without a request.
    """

    def __init__(
        self,
        settings: Settings,
        console: Console,
        *,
        end_running: Callable[[], None],
        num_in_background: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._console = console
        self._end_running = end_running
        self._num_in_background = num_in_background
        self._server: _DrainingServer | None = None

    def serve(self, app: FastAPI, listener: socket.socket) -> ExitCode:
        """Block until stopped. Returns OK after a drain, INTERRUPTED when it was cut short."""
        drain_seconds = self._settings.shutdown_timeout_seconds
        config = uvicorn.Config(
            app,
            log_level=UVICORN_LOG_LEVELS[self._settings.log_level],
            access_log=self._settings.log_level == "debug",
            timeout_graceful_shutdown=ceil(drain_seconds) + LAST_RESORT_SECONDS,
            lifespan="on",
            ws="websockets-sansio",
            ws_max_size=self._settings.max_body_bytes,
        )
        self._server = _DrainingServer(
            config, self._console, drain_seconds, self._end_running, self._num_in_background
        )
        # When all is done uvicorn raises the signal that stopped it once more; as an exception it
        # leaves the exit code to us.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            self._server.run(sockets=[listener])
        return ExitCode.INTERRUPTED if self._server.force_exit else ExitCode.OK

    @property
    def was_told_to_stop(self) -> bool:
        """Whether a signal came: what fails after that is no failure."""
        return self._server is not None and self._server.was_told_to_stop

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True


class _DrainingServer(uvicorn.Server):
    def __init__(
        self,
        config: uvicorn.Config,
        console: Console,
        drain_seconds: float,
        end_running: Callable[[], None],
        num_in_background: Callable[[], int],
    ) -> None:
        super().__init__(config)
        self._console = console
        self._drain_seconds = drain_seconds
        self._end_running = end_running
        self._num_in_background = num_in_background
        self._loop: asyncio.AbstractEventLoop | None = None
        self.was_told_to_stop = False

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = loop = asyncio.get_running_loop()
        deadline = loop.call_later(self._drain_seconds, self._end_running)
        try:
            await super().shutdown(sockets)
        finally:
            deadline.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.was_told_to_stop = True
        running = len(self.server_state.tasks) + self._num_in_background()
        if not self.should_exit and running:
            again = "; Ctrl-C again quits" if sig == signal.SIGINT else ""
            self._console.print(f"Finishing {running} running requests{again}.", highlight=False)
        elif self.should_exit and sig == signal.SIGINT:
            # Cutting its tasks short is what was asked for: no traceback of it in the log.
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
            if self._loop is not None:  # what runs in the background is waited for by nobody else
                self._loop.call_soon_threadsafe(self._end_running)
        super().handle_exit(sig, frame)
