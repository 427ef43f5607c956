"""The command `antiphon`: which subcommands there are, and how an error ends.

An error that a user can make is one line on stderr and an exit code of its kind.
"""

import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated

import typer

from antiphon.engine.errors import ConfigError, EngineError
from antiphon.models.errors import ModelError
from antiphon.server.bench.command import serve as bench_serve
from antiphon.server.bench.errors import BenchError, NothingMeasured
from antiphon.server.exit_code import ExitCode
from antiphon.server.parse_command import parse
from antiphon.server.pull_command import pull
from antiphon.server.seal import SealKeyUnusable
from antiphon.server.serve_command import make_serve_command
from antiphon.server.settings_sources import SettingsError

# The first row that fits decides.
EXIT_CODES: tuple[tuple[type[Exception], ExitCode], ...] = (
    (SettingsError, ExitCode.USAGE),
    (ConfigError, ExitCode.USAGE),
    (NothingMeasured, ExitCode.INTERRUPTED),
    (BenchError, ExitCode.FAILED),
    (ModelError, ExitCode.STARTUP),
    (EngineError, ExitCode.STARTUP),
    (SealKeyUnusable, ExitCode.STARTUP),
)


def make_app() -> typer.Typer:
    """The command with its subcommands; nothing is read or started yet."""
    app = typer.Typer(pretty_exceptions_enable=False, help="A local inference server.")
    app.callback(invoke_without_command=True)(_root)
    app.command("serve")(make_serve_command())
    app.command("pull")(pull)
    app.command("parse")(parse)
    bench = typer.Typer(help="Measure a running server.")
    bench.callback(invoke_without_command=True)(_show_help)
    bench.command("serve")(bench_serve)
    app.add_typer(bench, name="bench")
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (by default this process's own) and return its exit code."""
    try:
        code = make_app()(arguments, prog_name="antiphon", standalone_mode=False)
    except typer.TyperException as error:
        return _fail(error.format_message(), error.exit_code)
    except typer.Abort:
        return ExitCode.INTERRUPTED
    except tuple(kind for kind, _ in EXIT_CODES) as error:
        code = next(code for kind, code in EXIT_CODES if isinstance(error, kind))
        return _fail(str(error), code)
    return code if isinstance(code, int) else ExitCode.OK


def _fail(message: str, code: int) -> int:
    print(f"antiphon: {' '.join(message.split())}", file=sys.stderr)
    return code


def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        print(f"antiphon {metadata.version('antiphon')}")
        raise typer.Exit
    _show_help(context)


def _show_help(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
