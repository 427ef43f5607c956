"""One server on loopback for all tests of the benchmark: starting one takes longer than a test."""

from collections.abc import Iterator

import pytest

from tests.server.bench.fake_server import FakeServer, answer_all, running


@pytest.fixture(scope="session")
def running_server() -> Iterator[tuple[FakeServer, str]]:
    server = FakeServer(answer_all)
    with running(server) as address:
        yield server, address


@pytest.fixture
def server(running_server: tuple[FakeServer, str]) -> FakeServer:
    """A server without faults that has not been asked anything."""
    running_server[0].reset()
    return running_server[0]


@pytest.fixture
def address(running_server: tuple[FakeServer, str], server: FakeServer) -> str:
    """Where `server` listens."""
    assert server is running_server[0]
    return running_server[1]
