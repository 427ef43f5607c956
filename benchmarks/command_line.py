"""One benchmark as a command: options from its signature, an error in one line on stderr."""

import sys
from collections.abc import Callable, Sequence

import typer

from antiphon.engine.errors import EngineError
from antiphon.models.errors import ModelError
from antiphon.server.bench.plan import parse_concurrency


def run_command(command: Callable[..., None], arguments: Sequence[str] | None) -> int:
    """The exit code; `arguments` None are this process's own."""
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(command)
    try:
        app(arguments, standalone_mode=False)
    except typer.TyperException as error:
        return _fail(error.format_message(), error.exit_code)
    except (EngineError, ModelError) as error:
        return _fail(str(error), 1)
    return 0


def parse_numbers(listed: str, option: str) -> tuple[int, ...]:
    """What an option lists, such as 1,4,16. Raises typer.BadParameter, which names the option."""
    try:
        return parse_concurrency(listed)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def _fail(message: str, code: int) -> int:
    print(" ".join(message.split()), file=sys.stderr)
    return code
