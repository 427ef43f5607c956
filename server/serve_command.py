"""`antiphon serve`: its flags are the settings' own fields, so no flag is written here.

Flags pass as text and are read by `Settings`, so that a wrong flag is told like a wrong variable.
"""

import inspect
from collections.abc import Callable
from typing import Annotated

import typer

from antiphon.server.settings_loading import load_settings
from antiphon.server.settings_table import SettingRow, setting_rows


def make_serve_command() -> Callable[..., int]:
    """The command as a function whose signature holds one option per setting."""

    def serve(**flags: object) -> int:
        given = {name: value for name, value in flags.items() if value not in (None, [])}
        settings = load_settings(given)
        # Starting takes what --help does not need.
        from antiphon.server.launch import run

        return run(settings)

    serve.__doc__ = "Serve a model over HTTP, until Ctrl-C."
    serve.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [_parameter(row) for row in setting_rows()], return_annotation=int
    )
    return serve


def _parameter(row: SettingRow) -> inspect.Parameter:
    return inspect.Parameter(
        row.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(row)
    )


def _annotation(row: SettingRow) -> object:
    default = f" (default: {row.default})" if row.default else ""
    text = row.description + default
    if row.name == "model":
        return Annotated[str | None, typer.Argument(metavar="MODEL", help=text)]
    if row.is_switch:
        return Annotated[bool | None, typer.Option(row.flag, help=text)]
    kind = list[str] if row.is_list else str
    return Annotated[kind | None, typer.Option(row.flag, metavar=row.value, help=text)]
