"""`antiphon bench serve` from its command line to its last line, against a server on loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from antiphon.server.bench import plot
from antiphon.server.cli import main
from tests.server.bench.fake_server import (
    TEMPLATE_TOKENS,
    TOKENS_PER_WORD,
    Answer,
    Body,
    FakeServer,
    answer_all,
    refuse,
    sse,
)

COUNTS = ["--requests", "4", "--concurrency", "1,2", "--warmup", "1"]
SMALL = [*COUNTS, "--prompt-tokens", "50", "--output-tokens", "8"]


def bench(address: str, *arguments: str) -> int:
    return main(["bench", "serve", "--base-url", address, *SMALL, *arguments])


def last_line(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text.splitlines()[-1])
    return document


@pytest.mark.parametrize(
    ("endpoint", "path"), [("responses", "/v1/responses"), ("chat", "/v1/chat/completions")]
)
def test_every_level_is_measured_and_reported(
    endpoint: str,
    path: str,
    server: FakeServer,
    address: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench(address, "--endpoint", endpoint) == 0
    printed = capsys.readouterr()
    document = last_line(printed.out)
    assert document["schema"] == "antiphon.bench.serve/1"
    assert document["server"]["model"] == "fake-model"
    assert [level["concurrency"] for level in document["levels"]] == [1, 2]
    for level in document["levels"]:
        assert (level["num_completed"], level["errors"]) == (4, {})
        assert (level["output_tokens"], level["token_sources"]) == (32, ["usage"])
        assert level["tokens_per_delta"] == 1
        assert level["output_tokens_per_second"] > level["requests_per_second"] > 0
        assert 0 < level["ttft_ms"]["p50"] <= level["ttft_ms"]["p99"]
    assert "fake-model" in printed.out.splitlines()[0]
    assert printed.err.splitlines() == [
        "warm-up (1 requests)",
        "concurrency 1 (4 requests)",
        "concurrency 2 (4 requests)",
    ]
    assert [asked for asked, _ in server.requests] == ["/v1/models"] + [path] * (2 + 1 + 8)


def test_prompts_have_the_wanted_length_by_the_servers_own_count(
    server: FakeServer, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(address, "--prefix-tokens", "30") == 0
    document = last_line(capsys.readouterr().out)
    assert document["calibration"] == {
        "tokens_per_word": TOKENS_PER_WORD,
        "overhead_tokens": TEMPLATE_TOKENS,
        "is_measured": True,
    }
    assert [level["mean_input_tokens"] for level in document["levels"]] == [80, 80]
    prompts = [body["input"].split() for body in server.bodies()[2:]]
    assert len({tuple(prompt[:15]) for prompt in prompts}) == 1
    assert len({tuple(prompt[15:]) for prompt in prompts}) == len(prompts)


def test_the_key_is_sent_and_never_reported(
    server: FakeServer, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(f"{address}/v1/", "--api-key", "secret", "--model", "mine") == 0
    assert {headers[b"authorization"] for headers in server.headers} == {b"Bearer secret"}
    assert {body["model"] for body in server.bodies()} == {"mine"}
    assert "secret" not in capsys.readouterr().out


def test_a_refused_ignore_eos_is_left_out_and_said(
    server: FakeServer, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def respond(path: str, body: Body) -> Answer:
        return refuse(422, "unknown field") if "ignore_eos" in body else answer_all(path, body)

    server.respond = respond
    assert bench(address) == 0
    document = last_line(capsys.readouterr().out)
    assert document["server"]["extensions"] == {}
    assert any("ignore_eos was refused" in note for note in document["notes"])
    assert ["ignore_eos" in body for body in server.bodies()[:2]] == [True, False]


def test_ignore_eos_can_be_left_out(server: FakeServer, address: str) -> None:
    assert bench(address, "--no-ignore-eos") == 0
    assert not any("ignore_eos" in body for body in server.bodies())


def test_a_server_without_usage_is_measured_by_its_deltas(
    server: FakeServer, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    delta = sse({"choices": [{"delta": {"content": "x"}}]})

    def respond(path: str, body: Body) -> Answer:
        if path == "/v1/models":
            return answer_all(path, body)
        return Answer((delta * 3 + b"data: [DONE]\n\n",))

    server.respond = respond
    assert bench(address, "--endpoint", "chat") == 0
    document = last_line(capsys.readouterr().out)
    assert [level["token_sources"] for level in document["levels"]] == [["deltas"]] * 2
    assert any("text deltas are counted" in note for note in document["notes"])
    assert any("counted in words" in note for note in document["notes"])


def test_failures_are_counted_and_shown_beside_what_worked(
    server: FakeServer, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def respond(path: str, body: Body) -> Answer:
        if len(server.requests) % 2 == 0 and len(server.requests) > 5:
            return refuse(429, "queue is full")
        return answer_all(path, body)

    server.respond = respond
    assert bench(address) == 0
    out = capsys.readouterr().out
    levels = last_line(out)["levels"]
    assert [level["errors"] for level in levels] == [{"HTTP 429: queue is full": 2}] * 2
    assert "Failed 4x: HTTP 429: queue is full" in out


def test_a_run_in_which_nothing_worked_is_a_failure(
    server: FakeServer, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def respond(path: str, body: Body) -> Answer:
        is_probe = len(server.requests) <= 3
        return answer_all(path, body) if is_probe else refuse(500, "broken")

    server.respond = respond
    assert bench(address) == 1
    assert last_line(capsys.readouterr().out)["levels"][0]["num_completed"] == 0


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (refuse(404, "no such route"), "HTTP 404: no such route"),
        (refuse(401, "wrong key"), "HTTP 401: wrong key"),
        (refuse(400, "context too small"), "HTTP 400: context too small"),
        (Answer((b"{}",)), "the stream ended before the answer was complete"),
    ],
)
def test_a_server_that_cannot_be_measured_is_one_line_and_exit_code_1(
    answer: Answer,
    message: str,
    server: FakeServer,
    address: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.respond = lambda path, body: answer
    assert bench(address, "--model", "mine") == 1
    printed = capsys.readouterr()
    [line] = printed.err.splitlines()
    assert line == f"antiphon: {address}/v1/responses cannot be measured: {message}"
    assert printed.out == ""


def test_a_server_that_is_not_there_is_one_line_and_exit_code_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert bench(f"http://127.0.0.1:{port}") == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"antiphon: no server answers at http://127.0.0.1:{port} (ConnectError")


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://host", "http://[bad"])
def test_an_address_that_is_none_is_a_usage_error(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(address) == 2
    assert "--base-url" in capsys.readouterr().err


def test_a_server_that_lists_no_model_asks_for_one(
    server: FakeServer, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.respond = lambda path, body: Answer((b'{"data":[]}',))
    assert bench(address) == 1
    assert "name one with --model" in capsys.readouterr().err


def test_the_result_is_written_to_both_files(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    json_file, picture = tmp_path / "result.json", tmp_path / "result.png"
    assert bench(address, "--json", str(json_file), "--plot", str(picture)) == 0
    assert json.loads(json_file.read_text()) == last_line(capsys.readouterr().out)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_missing_matplotlib_is_said_before_anything_is_measured(
    address: str,
    server: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(plot, "find_spec", lambda name: None)
    assert bench(address, "--plot", "result.png") == 1
    assert "pip install 'antiphon[plot]'" in capsys.readouterr().err
    assert server.requests == []


def bench_until_ctrl_c(server: FakeServer, address: str, *arguments: str) -> tuple[int, str, str]:
    """Interrupted while the server holds an answer back: the exit code, stdout and stderr."""
    command = ["-m", "antiphon.server", "bench", "serve", "--base-url", address, *arguments]
    with subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert server.held.wait(timeout=60)
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_reports_what_was_measured_so_far(server: FakeServer, address: str) -> None:
    def respond(path: str, body: Body) -> Answer:
        is_last = len(server.bodies()) == 2 + 1 + 4 + 1
        return Answer((), is_held=True) if is_last else answer_all(path, body)

    server.respond = respond
    options = ["--requests", "5", "--concurrency", "1,2", "--warmup", "1"]
    code, out, err = bench_until_ctrl_c(server, address, *options)
    assert code == 130
    [level] = last_line(out)["levels"]
    assert (level["num_completed"], level["is_complete"]) == (4, False)
    assert "Interrupted at concurrency 1: 4 requests ended." in out
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_before_anything_was_measured_is_one_line(server: FakeServer, address: str) -> None:
    server.respond = lambda path, body: Answer((), is_held=True)
    code, out, err = bench_until_ctrl_c(server, address, "--model", "m")
    assert (code, out) == (130, "")
    assert err == "antiphon: interrupted before a request had ended\n"
