"""uvicorn, with a say on how it ends: the first Ctrl-C drains, a second one quits."""

import contextlib
import logging
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI
from rich.console import Console

from antiphon.server.exit_code import ExitCode
from antiphon.server.settings import Settings


class HTTPServer:
    """Serves one application on one listening socket."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._server: _DrainingServer | None = None

    def serve(self, app: FastAPI, listener: socket.socket) -> ExitCode:
        """Block until stopped. Returns OK after a drain, INTERRUPTED when it was cut short."""
        config = uvicorn.Config(
            app,
            log_level="debug" if self._settings.log_level == "debug" else "warning",
            access_log=self._settings.log_level == "debug",
            timeout_graceful_shutdown=round(self._settings.shutdown_timeout_seconds),
            lifespan="on",
        )
        self._server = _DrainingServer(config, self._console)
        # uvicorn raises the signal it was stopped by once more, when all is done.
        with contextlib.suppress(KeyboardInterrupt):
            self._server.run(sockets=[listener])
        return ExitCode.INTERRUPTED if self._server.force_exit else ExitCode.OK

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True


class _DrainingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, console: Console) -> None:
        super().__init__(config)
        self._console = console

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit and self.server_state.tasks:
            again = "; Ctrl-C again quits" if sig == signal.SIGINT else ""
            running = len(self.server_state.tasks)
            self._console.print(f"Finishing {running} running requests{again}.", highlight=False)
        elif self.should_exit:
            # Cutting its tasks short is what was asked for: no traceback of it in the log.
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        super().handle_exit(sig, frame)
