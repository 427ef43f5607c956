"""The closed loop keeps its concurrency."""

import asyncio

import pytest

from antiphon.server.bench.load import run_closed_loop
from antiphon.server.bench.measurement import Measurement


class Gate:
    """Lets requests end only once `concurrency` of them are in flight."""

    def __init__(self, concurrency: int) -> None:
        self._barrier = asyncio.Barrier(concurrency)
        self.in_flight = 0
        self.most_in_flight = 0
        self.sent: list[str] = []

    async def send(self, prompt: str) -> Measurement:
        self.sent.append(prompt)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await self._barrier.wait()
        self.in_flight -= 1
        return Measurement(0, 1)


@pytest.mark.parametrize("concurrency", [1, 3, 4])
async def test_so_many_requests_are_in_flight_and_never_more(concurrency: int) -> None:
    gate = Gate(concurrency)
    prompts = [str(index) for index in range(12)]
    ended: list[Measurement] = []
    await asyncio.wait_for(run_closed_loop(gate.send, prompts, concurrency, ended.append), 30)
    assert gate.most_in_flight == concurrency
    assert gate.sent == prompts
    assert len(ended) == 12


async def test_fewer_prompts_than_the_concurrency_are_all_sent() -> None:
    gate = Gate(2)
    ended: list[Measurement] = []
    await run_closed_loop(gate.send, ["a", "b"], 8, ended.append)
    assert gate.sent == ["a", "b"]
