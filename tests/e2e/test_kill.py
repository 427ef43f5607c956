"""A server that is killed in the midst of its traffic keeps its word."""

import asyncio
import json
import random
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from antiphon.server.store.leases import LEASE_SECONDS
from antiphon.server.store.store import StoreConfig
from tests.e2e.stored_server import ENDLESS, stored_server, write_model
from tests.e2e.traffic import CONTINUABLE, FINISHED, URL, Json, Ledger, Told, Traffic
from tests.live_server import start_server
from tests.server.store.accounts import check_accounts
from tests.stream_rules import Event
from tests.tiny import write_tiny_llama

pytestmark = pytest.mark.slow

NUM_KILLS = 50
SMALL = ("--kv-cache-memory", "32MiB", "--num-threads", "1", "--max-num-seqs", "64")


async def test_what_was_told_before_a_kill_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    store = StoreConfig(f"sqlite:///{path}", max_bytes=10**9, max_age_seconds=10**6)
    model = write_model(tmp_path / "model")
    chance, ledger = random.Random(9), Ledger()
    fresh: dict[str, Told] = {}
    for _ in range(NUM_KILLS):
        with stored_server(model, store) as server:
            await check_kept(server.url, fresh)
            check_file(path)
            known = set(ledger.told)
            endless = {"input": ENDLESS}
            num_news = chance.randrange(1, 500)
            await Traffic(ledger, chance, {}, endless, num_news, server.kill).run(server.url)
            fresh = {key: told for key, told in ledger.told.items() if key not in known}
    # When all leases are over, without waiting for it.
    with stored_server(model, store, seconds_ahead=LEASE_SECONDS + 1) as server:
        await check_kept(server.url, ledger.told)
        assert await restarted(server.url, ledger.begun) >= ledger.endless
    check_accounts(path, num_bytes_in(path))
    assert len(ledger.told) > 10 * NUM_KILLS
    assert len(ledger.endless) > NUM_KILLS / 2


async def test_what_a_real_server_told_before_a_kill_is_kept(tmp_path: Path) -> None:
    model = str(write_tiny_llama(tmp_path / "llama", max_position_embeddings=16384))
    flags = (*SMALL, "--data-dir", str(tmp_path / "data"))
    chance, ledger = random.Random(9), Ledger()
    ending = {"max_output_tokens": 24}
    endless = {"input": ENDLESS, "ignore_eos": True}
    for num_news in (500, 300):
        with start_server(model, *flags) as server:
            server.wait_until_ready()
            await check_kept(server.url, ledger.told)
            traffic = Traffic(ledger, chance, ending, endless, num_news, server.process.kill)
            await traffic.run(server.url)
    with start_server(model, *flags) as server:
        server.wait_until_ready()
        await check_kept(server.url, ledger.told)
        assert await restarted(server.url, ledger.begun) >= ledger.endless
    check_file(tmp_path / "data" / "store.sqlite3")


async def check_kept(url: str, told: dict[str, Told]) -> None:
    """Readable, as it was told, event by event, and good to go on from."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        await http.get("/health")
        for response_id, one in told.items():
            assert (await http.get(f"{URL}/{response_id}")).json() == one.response
            events = await events_of(http, response_id)
            assert events == list(one.events or events)
            assert events[-1]["response"] == one.response
            assert [event["sequence_number"] for event in events] == list(range(len(events)))
            if one.response["status"] in CONTINUABLE:
                await check_continuable(http, one.response)


async def check_continuable(http: httpx.AsyncClient, response: Json) -> None:
    body = {"input": "Go on.", "previous_response_id": response["id"]}
    answer = await http.post(f"{URL}/input_tokens", json=body)
    assert answer.json()["input_tokens"] > response["usage"]["input_tokens"], answer.text


async def events_of(http: httpx.AsyncClient, response_id: str) -> list[Event]:
    answer = await http.get(f"{URL}/{response_id}", params={"stream": "true"})
    assert answer.status_code == 200, answer.text
    return [json.loads(block.split("\ndata: ")[1]) for block in answer.text.split("\n\n")[:-2]]


async def restarted(url: str, begun: Iterable[str]) -> set[str]:
    """Those of them that failed because their server ended; each has ended one way or another."""
    async with (
        httpx.AsyncClient(base_url=url, timeout=60) as http,
        asyncio.timeout(2 * LEASE_SECONDS),
    ):
        ended = [await ended_response(http, response_id) for response_id in begun]
    return {r["id"] for r in ended if r["error"] and r["error"]["code"] == "server_restarted"}


async def ended_response(http: httpx.AsyncClient, response_id: str) -> Json:
    while True:
        response: Json = (await http.get(f"{URL}/{response_id}")).json()
        if response["status"] in FINISHED:
            return response


def check_file(path: Path) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def num_bytes_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT sum(num_bytes) FROM bundles").fetchone()[0])
