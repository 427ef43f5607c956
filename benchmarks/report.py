"""The result of a benchmark: a table to read, and one line of JSON to keep."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 140  # columns of a table that is read from a file: nothing is cut off there


def publish(title: str, table: Table, lines: Sequence[str], document: Mapping[str, object]) -> None:
    """To stdout; the last line is the document."""
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    for part in (title, table, *lines):
        console.print(part, markup=False, highlight=False, soft_wrap=isinstance(part, str))
    print(json.dumps(document, separators=(",", ":")))


def make_table(first_column: str, *columns: str) -> Table:
    """Numbers stand on the right."""
    table = Table()
    table.add_column(first_column)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def timestamp() -> str:
    """Now, as ISO 8601 with its zone."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
