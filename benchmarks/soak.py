"""Does a server that keeps what it says stay as large as it is?

The regime: a server process around an engine without a model, with a real store in a file and a
bound that is soon reached. So many conversations by `previous_response_id`, and as many in a
`conversation`, a few of them at once, turn after turn, plain and streamed. From time to time: the
memory of the process, and the bytes of the store, as it accounts for them and on disk. There is no
theoretical ceiling: after the bound is reached, all of them should stand still.

    python -m benchmarks.soak
"""

import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import psutil
import typer
from rich.table import Table

from antiphon.server.store.store import StoreConfig
from benchmarks.command_line import run_command
from benchmarks.report import make_table, number, publish, timestamp
from tests.e2e.stored_server import StoredServer, stored_server, write_model

SCHEMA = "antiphon.bench.soak/1"
STORE = "store.sqlite3"
NUM_MARKS = 10
A_DAY = 86_400
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Load:
    """num_conversations  of each kind. num_at_once  of both kinds together."""

    num_conversations: int = 1000
    num_turns: int = 20
    num_at_once: int = 8
    store_max_bytes: int = 16 * MIB


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the server stands after so many conversations of each kind."""

    num_conversations: int
    seconds: float
    rss_bytes: int
    accounted_bytes: int
    disk_bytes: int


def soak(
    conversations: Annotated[int, typer.Option(min=NUM_MARKS, help="Of each kind.")] = 1000,
    turns: Annotated[int, typer.Option(min=1, help="Of each conversation.")] = 20,
    concurrency: Annotated[int, typer.Option(min=1, help="Conversations at once.")] = 8,
    store_max_mib: Annotated[int, typer.Option(min=1, help="The store's bound.")] = 16,
) -> None:
    """Hold conversations with one server, and see whether it grows."""
    # The server's process imports this module too, and never torch.
    import torch

    from benchmarks.hardware import Hardware

    started_at = timestamp()
    load = Load(conversations, turns, concurrency, store_max_mib * MIB)
    with tempfile.TemporaryDirectory() as folder:
        marks = measure(load, Path(folder))
    hardware = Hardware.of(torch.device("cpu"))
    document = {
        "schema": SCHEMA,
        "started_at": started_at,
        "settings": asdict(load),
        "hardware": asdict(hardware),
        "marks": [asdict(mark) for mark in marks],
    }
    title = f"{turns} turns a conversation, a store of at most {store_max_mib} MiB"
    publish(title, _table(marks, turns), [str(hardware)], document)


def measure(load: Load, folder: Path) -> list[Mark]:
    """A mark at the beginning, and one after each tenth of the load."""
    store = StoreConfig(f"sqlite:///{folder / STORE}", load.store_max_bytes, A_DAY)
    with stored_server(write_model(folder / "model"), store) as server:
        return asyncio.run(_hold_all(load, server, folder))


async def _hold_all(load: Load, server: StoredServer, folder: Path) -> list[Mark]:
    started_at = time.perf_counter()
    limits = httpx.Limits(max_connections=load.num_at_once)
    async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=limits) as http:
        await _converse(http, load.num_turns, {})  # what is made once is made now
        marks = [_mark(0, started_at, server, folder)]
        for part in range(NUM_MARKS):
            first = load.num_conversations * part // NUM_MARKS
            last = load.num_conversations * (part + 1) // NUM_MARKS
            waiting = iter(range(2 * first, 2 * last))
            await asyncio.gather(
                *(_hold(http, load.num_turns, waiting) for _ in range(load.num_at_once))
            )
            marks.append(_mark(last, started_at, server, folder))
    return marks


async def _hold(http: httpx.AsyncClient, num_turns: int, waiting: Iterator[int]) -> None:
    """One conversation after the other, of both kinds in turn."""
    for index in waiting:
        if index % 2:
            made: dict[str, Any] = (await http.post("/v1/conversations", json={})).json()
            await _converse(http, num_turns, {"conversation": made["id"]})
        else:
            await _converse(http, num_turns, {})


async def _converse(http: httpx.AsyncClient, num_turns: int, place: dict[str, str]) -> None:
    """Without a place, each turn continues the one before."""
    for turn in range(num_turns):
        body = {"input": f"This is turn {turn}. What now?", "stream": turn % 2 == 1, **place}
        answer = await http.post("/v1/responses", json=body)
        response_id = _response_id(answer)
        if "conversation" not in place:
            place = {"previous_response_id": response_id}


def _response_id(answer: httpx.Response) -> str:
    """Plain or streamed, it is the first thing in an answer that looks like one."""
    _, found, rest = answer.text.partition('"id":"resp_')
    assert found, answer.text
    return "resp_" + rest.partition('"')[0]


def _mark(num_conversations: int, started_at: float, server: StoredServer, folder: Path) -> Mark:
    path = folder / STORE
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        query = "SELECT coalesce(sum(num_bytes), 0) FROM bundles"
        accounted_bytes = int(connection.execute(query).fetchone()[0])
    return Mark(
        num_conversations,
        seconds=time.perf_counter() - started_at,
        rss_bytes=psutil.Process(server.process.pid).memory_info().rss,
        accounted_bytes=accounted_bytes,
        disk_bytes=sum(file.stat().st_size for file in folder.glob(f"{STORE}*")),
    )


def _table(marks: Sequence[Mark], num_turns: int) -> Table:
    table = make_table(
        "conversations of each kind", "responses", "s", "RSS MiB", "store MiB", "on disk MiB"
    )
    for mark in marks:
        sizes = (mark.rss_bytes, mark.accounted_bytes, mark.disk_bytes)
        table.add_row(
            str(mark.num_conversations),
            str(2 * mark.num_conversations * num_turns),
            number(mark.seconds, 0),
            *(number(size / MIB, 1) for size in sizes),
        )
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    return run_command(soak, arguments)


if __name__ == "__main__":
    sys.exit(main())
