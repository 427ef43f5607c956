"""The clients that people use, as they come from their package index, against a live server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.client import CLIENTS, Client, Scenario
from tests.clients.client_run import ClientRun, run_client
from tests.live_server import LiveServer, start_server

pytestmark = [pytest.mark.slow, pytest.mark.model]

MODEL = "smollm2-135m"


@pytest.fixture(scope="module")
def server(default_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    flags = ["--served-model-name", MODEL, "--kv-cache-memory", "512MiB"]
    # One thread leaves a core to the clients: two that wait for each other are slower beside them.
    flags += ["--num-threads", "1", "--data-dir", str(tmp_path_factory.mktemp("data"))]
    with start_server(str(default_model), *flags) as server:
        server.wait_until_ready()
        yield server


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda client: client.name)
def run(
    request: pytest.FixtureRequest,
    server: LiveServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> ClientRun:
    client: Client = request.param
    return run_client(
        client,
        url=server.url,
        model=MODEL,
        home=tmp_path_factory.mktemp("home"),
    )


def clients_with(scenario: Scenario) -> pytest.MarkDecorator:
    able = [client for client in CLIENTS if scenario in client.extras]
    return pytest.mark.parametrize("run", able, ids=lambda client: client.name, indirect=True)


def test_a_plain_answer(run: ClientRun) -> None:
    saw = run.saw(Scenario.TEXT)
    assert "Paris" in saw["text"]
    assert saw["output_tokens"] > 1


def test_a_stream_says_the_same_piece_by_piece(run: ClientRun) -> None:
    saw = run.saw(Scenario.STREAM)
    assert len(saw["deltas"]) > 1
    assert "".join(saw["deltas"]) == saw["text"]
    assert {name: saw[name] for name in ("text", "output_tokens")} == run.saw(Scenario.TEXT)


def test_a_second_turn_knows_the_first(run: ClientRun) -> None:
    france, italy = run.saw(Scenario.TURNS)["texts"]
    assert "Paris" in france
    assert "Rome" in italy


def test_a_tool_is_called_and_its_output_answered(run: ClientRun) -> None:
    saw = run.saw(Scenario.TOOL)
    assert saw["name"] == "get_weather"
    assert saw["arguments"] in ({"city": "Oslo"}, {"city": "Paris"})
    assert "sunny" in saw["answer"]


def test_a_form_is_filled_in(run: ClientRun) -> None:
    for value in run.saw(Scenario.FORM)["values"]:
        assert value.keys() == {"city", "size"}
        assert value["city"] in ("Rome", "Paris")
        assert value["size"] in (1, 2, 3)


def test_errors_are_of_the_clients_own_types(run: ClientRun) -> None:
    assert run.saw(Scenario.ERRORS) == {
        "unknown_model": {"kind": run.client.not_found, "status": 404},
        "bad_parameter": {"kind": run.client.bad_request, "status": 400},
    }


def test_leaving_in_the_middle_leaves_nothing_behind(run: ClientRun) -> None:
    assert run.saw(Scenario.DEPARTURE)["deltas"] == 3
    assert (run.engine["running"], run.engine["waiting"]) == (0, 0)
    assert run.engine["free_blocks"] == run.engine["blocks"]


@clients_with(Scenario.CHAIN)
def test_a_kept_response_is_gone_on_from(run: ClientRun) -> None:
    france, italy = run.saw(Scenario.CHAIN)["texts"]
    assert "Paris" in france
    assert "Rome" in italy


@clients_with(Scenario.SOCKET)
def test_two_turns_share_a_web_socket(run: ClientRun) -> None:
    france, italy = run.saw(Scenario.SOCKET)["texts"]
    assert "Paris" in france
    assert "Rome" in italy
