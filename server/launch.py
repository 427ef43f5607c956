"""`antiphon serve`, once its settings are read: open the port, start the engine, drain."""

import logging
import socket

from rich.console import Console

from antiphon.engine.errors import EngineStartupError
from antiphon.server.app import create_app
from antiphon.server.http_server import HTTPServer
from antiphon.server.model_service import ModelService
from antiphon.server.server_life import ServerLife
from antiphon.server.settings import Settings
from antiphon.server.startup_report import print_startup_report


def run(settings: Settings) -> int:
    """Serve until told to stop; returns the exit code.

    Raises ConfigError for engine settings out of range, SealKeyUnusable, and EngineStartupError
    when the address is taken, the store does not open or the model does not load.
    """
    console = Console()
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every start
    service = ModelService(settings.engine_config(), settings.chat_template, settings.dialect)
    life = ServerLife(settings, service, console)
    with _listen(settings.host, settings.port) as listener:
        url = f"http://{_url_host(settings.host)}:{listener.getsockname()[1]}"
        console.print(f"Listening on {url}; the model is loading.", markup=False, highlight=False)
        server = HTTPServer(
            settings,
            console,
            end_running=service.engine.fail_running,
            num_in_background=lambda: len(life.context.background.response_ids),
        )
        lifespan = life.lifespan(
            on_ready=lambda: print_startup_report(console, service, settings, url),
            on_failure=server.stop,
        )
        exit_code = server.serve(create_app(life.context, lifespan), listener)
    if life.failure is not None and not server.was_told_to_stop:
        raise EngineStartupError(life.failure)
    return exit_code


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise EngineStartupError(
            f"can't listen on {host}:{port}: {error.strerror or error}"
        ) from error


def _url_host(host: str) -> str:
    """A host that a client on this machine can open."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
