"""`antiphon pull`: fetch a model before it is needed."""

from typing import Annotated

import typer

from antiphon.models.catalog import DEFAULT_MODEL


def pull(
    name: Annotated[
        str, typer.Argument(help="A name the catalogue knows, a hub id or a local path.")
    ] = DEFAULT_MODEL,
    allow_pickle: Annotated[
        bool,
        typer.Option("--allow-pickle", help="Accept pickled weights, which can run any code."),
    ] = False,
) -> None:
    """Fetch a model into the cache and print the folder it lies in."""
    # The hub's client is slow to import, and --help does not need it.
    from rich.console import Console

    from antiphon.models.cache import ModelCache
    from antiphon.models.source import locate
    from antiphon.server.progress_bar import open_progress

    with open_progress(Console(stderr=True)) as progress:
        folder = locate(
            name,
            cache=ModelCache.default(),
            offline=False,
            allow_pickle=allow_pickle,
            progress=progress,
        )
    print(folder)
