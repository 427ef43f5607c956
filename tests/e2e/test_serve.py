"""The whole server as a process, over a tiny random Llama: start, load, departures, end."""

import asyncio
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from openai import OpenAI

from tests.live_server import LiveServer, command, start_server
from tests.schema import check_response
from tests.stream_rules import Event, parse_stream
from tests.tiny import write_tiny_llama

pytestmark = pytest.mark.slow

SMALL = ("--kv-cache-memory", "8MiB", "--num-threads", "1", "--max-num-seqs", "64")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # A context that nobody fills in a test: what is not stopped runs on.
    folder = tmp_path_factory.mktemp("tiny") / "llama"
    return write_tiny_llama(folder, max_position_embeddings=16384)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LiveServer]:
    with start_server(str(folder), *SMALL, "--served-model-name", "tiny") as server:
        server.wait_until_ready()
        yield server


def request(index: int, **fields: object) -> dict[str, object]:
    return {"input": f"Tell me about number {index}.", "ignore_eos": True, **fields}


@contextmanager
def begun_stream(server: LiveServer, **fields: object) -> Iterator[Iterator[str]]:
    """The lines of an answer that has begun."""
    body = request(0, stream=True, **fields)
    with httpx.stream("POST", f"{server.url}/v1/responses", json=body, timeout=60) as answer:
        lines = answer.iter_lines()  # kept: closing it would hang up
        assert next(lines) == "event: response.created"
        yield lines


async def stream(client: httpx.AsyncClient, body: dict[str, object]) -> list[Event]:
    """All events, each of them and their order checked."""
    answer = await client.post("/v1/responses", json=body | {"stream": True})
    assert answer.status_code == 200
    return parse_stream(answer.text)


def client_for(server: LiveServer) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=server.url, timeout=300, limits=limits)


async def test_64_concurrent_streams_end_with_one_terminal_event_each(server: LiveServer) -> None:
    async with client_for(server) as client:
        bodies = [request(index, max_output_tokens=64, seed=index) for index in range(64)]
        streams = await asyncio.gather(*[stream(client, body) for body in bodies])
    for events in streams:
        assert events[-1]["type"] == "response.incomplete"
        assert events[-1]["response"]["usage"]["output_tokens"] == 64


async def test_a_stream_and_a_plain_answer_say_the_same(server: LiveServer) -> None:
    async with client_for(server) as client:
        for index in range(8):
            body = request(index, max_output_tokens=20, seed=index, temperature=1.2)
            events = await stream(client, body)
            plain = (await client.post("/v1/responses", json=body)).json()
            check_response(plain)
            streamed = events[-1]["response"]
            assert streamed["output"][0]["content"] == plain["output"][0]["content"]
            assert streamed["status"] == plain["status"] == "incomplete"


async def test_200_requests_of_which_half_leave_early_leave_nothing_behind(
    server: LiveServer,
) -> None:
    family = {process.pid for process in server.family()}
    chance = random.Random(0)
    async with client_for(server) as client:

        async def leave_early(index: int) -> None:
            """After a random number of lines, or of milliseconds for a plain answer."""
            body = request(index, max_output_tokens=400)
            if index % 4 == 0:
                timeout = httpx.Timeout(300, read=chance.uniform(0.01, 0.2))
                with pytest.raises(httpx.ReadTimeout):
                    await client.post("/v1/responses", json=body, timeout=timeout)
                return
            body["stream"] = True
            remaining = chance.randrange(1, 120)
            async with client.stream("POST", "/v1/responses", json=body) as answer:
                async for _ in answer.aiter_lines():
                    remaining -= 1
                    if remaining == 0:
                        return

        async def stay(index: int) -> object:
            events = await stream(client, request(index, max_output_tokens=24))
            return events[-1]["type"]

        tasks = [leave_early(index) if index % 2 == 0 else stay(index) for index in range(200)]
        endings = await asyncio.gather(*tasks)
        assert endings[1::2] == ["response.incomplete"] * 100
        engine = await until_idle(client)
        assert engine["free_blocks"] == engine["blocks"]
    assert {process.pid for process in server.family()} == family


async def until_idle(client: httpx.AsyncClient) -> dict[str, int]:
    """What /health says of the engine once nothing runs or waits."""
    while True:
        engine: dict[str, int] = (await client.get("/health")).json()["engine"]
        if not engine["running"] and not engine["waiting"]:
            return engine
        await asyncio.sleep(0.02)


def test_the_official_sdk_gets_plain_and_streamed_answers(server: LiveServer) -> None:
    client = OpenAI(base_url=f"{server.url}/v1", api_key="unused")
    plain = client.responses.create(
        model="tiny", input="Hello", max_output_tokens=12, temperature=0
    )
    with client.responses.stream(
        model="tiny", input="Hello", max_output_tokens=12, temperature=0
    ) as events:
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == plain.output_text


def test_the_port_answers_while_the_model_loads(folder: Path) -> None:
    with start_server(str(folder), *SMALL) as server:
        assert httpx.get(f"{server.url}/health").status_code == 200
        assert httpx.get(f"{server.url}/ready").status_code == 503
        answer = httpx.post(f"{server.url}/v1/responses", json={"input": "Hello"})
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "model_not_ready"
        assert httpx.get(f"{server.url}/v1/models").json()["data"][0]["id"] == str(folder)
        server.wait_until_ready()


def test_ctrl_c_finishes_what_runs_and_leaves_no_process(folder: Path) -> None:
    with start_server(str(folder), *SMALL) as server:
        server.wait_until_ready()
        family = server.family()
        with begun_stream(server, max_output_tokens=150) as lines:
            server.process.send_signal(signal.SIGINT)
            assert list(lines)[-2:] == ["data: [DONE]", ""]
        assert server.process.wait(timeout=30) == 0
        _, alive = psutil.wait_procs(family, timeout=30)
        assert not alive


def test_a_second_ctrl_c_quits_at_once(folder: Path) -> None:
    with start_server(str(folder), *SMALL) as server:
        server.wait_until_ready()
        family = server.family()
        with begun_stream(server):
            server.process.send_signal(signal.SIGINT)
            assert server.process.stdout is not None
            assert any("Finishing" in line for line in server.process.stdout)
            server.process.send_signal(signal.SIGINT)
            assert server.process.wait(timeout=30) == 130
        _, alive = psutil.wait_procs(family, timeout=30)
        assert not alive


def test_a_signal_to_the_whole_group_drains_like_one_to_the_server(folder: Path) -> None:
    """Which is how a service manager stops a service."""
    with start_server(str(folder), *SMALL) as server:
        server.wait_until_ready()
        with begun_stream(server, max_output_tokens=150) as lines:
            for process in server.family():
                process.terminate()
            said = [line for line in lines if line.startswith("event: ")]
        assert said[-1] == "event: response.incomplete"
        assert server.process.wait(timeout=30) == 0


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_everybody_while_the_model_loads_ends_cleanly(
    folder: Path, signal_number: int
) -> None:
    with start_server(str(folder), *SMALL) as server:
        while len(server.family()) < 2:
            pass  # until the engine process is there
        for process in server.family():
            process.send_signal(signal_number)
        family = server.family()
        assert server.process.wait(timeout=30) == 0
        _, alive = psutil.wait_procs(family, timeout=30)
        assert not alive


def test_responses_that_outlast_the_drain_end_in_good_order(folder: Path) -> None:
    with start_server(str(folder), *SMALL, "--shutdown-timeout-seconds", "0.5") as server:
        server.wait_until_ready()
        with begun_stream(server) as lines:
            server.process.send_signal(signal.SIGTERM)
            rest = list(lines)
        said = [line for line in rest if line.startswith("event: ")]
        assert said[-2:] == ["event: error", "event: response.failed"]
        assert rest[-2:] == ["data: [DONE]", ""]
        assert server.process.wait(timeout=30) == 0


def test_a_killed_server_takes_its_engine_with_it(folder: Path) -> None:
    with start_server(str(folder), *SMALL) as server:
        server.wait_until_ready()
        family = server.family()
        server.process.kill()
        _, alive = psutil.wait_procs(family, timeout=30)
        assert not alive


def test_a_dead_engine_fails_its_responses_and_the_server_goes_on(folder: Path) -> None:
    with start_server(str(folder), *SMALL) as server:
        server.wait_until_ready()
        with begun_stream(server) as lines:
            for process in server.family()[1:]:
                process.kill()
            types = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
        assert types[-2:] == ["error", "response.failed"]
        assert httpx.get(f"{server.url}/health").status_code == 200
        server.wait_until_ready()
        answer = httpx.post(f"{server.url}/v1/responses", json=request(0, max_output_tokens=3))
        assert answer.json()["status"] == "incomplete"


def test_a_folder_that_holds_the_users_own_server_and_models_is_no_trouble(
    folder: Path, tmp_path: Path
) -> None:
    for name in ("server.py", "torch.py", "models/__init__.py", "antiphon/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise SystemExit('the wrong module was imported')\n")
    with start_server(str(folder), *SMALL, cwd=tmp_path) as server:
        server.wait_until_ready()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["./nowhere"], "nowhere"),
        (["no-org/no-model", "--offline"], "no-org/no-model"),
        (["unheard-of"], "unheard-of"),
    ],
)
def test_a_model_that_is_not_there_ends_with_one_line_and_code_3(
    arguments: list[str], complaint: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        command("serve", *arguments, "--port", "0"),
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        check=False,
    )
    assert ended.returncode == 3
    assert complaint in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_port_in_use_ends_with_one_line_and_code_3(server: LiveServer, folder: Path) -> None:
    port = server.url.rsplit(":", 1)[1]
    ended = subprocess.run(
        command("serve", str(folder), "--port", port),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 3
    assert port in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
