"""One run against one server: prepare, warm up, then every level.

What is measured is kept as it comes, so that an interrupted run can still be reported.
"""

import httpx

from antiphon.models.progress import Progress
from antiphon.server.bench.load import run_closed_loop
from antiphon.server.bench.measurement import Measurement
from antiphon.server.bench.plan import BenchPlan
from antiphon.server.bench.preparation import Preparation, prepare
from antiphon.server.bench.prompts import PromptWriter
from antiphon.server.bench.sender import Clock
from antiphon.server.bench.summary import LevelSummary, summarize


class Benchmark:
    """`run` measures; `preparation` and `summaries` say what is known so far."""

    def __init__(
        self, plan: BenchPlan, client: httpx.AsyncClient, progress: Progress, clock: Clock
    ) -> None:
        self.plan = plan
        self.preparation: Preparation | None = None
        self._client = client
        self._progress = progress
        self._clock = clock
        self._levels: list[tuple[int, list[Measurement]]] = []

    @property
    def summaries(self) -> list[LevelSummary]:
        """One per level in which a request has ended, in the order they ran."""
        expected = self.plan.num_requests
        return [summarize(level, expected, found) for level, found in self._levels if found]

    async def run(self) -> None:
        """Raises BenchError, whose one line says why nothing can be measured."""
        async with self._client:
            preparation = await prepare(self.plan, self._client, self._clock)
            self.preparation = preparation
            await self._warm_up(preparation)
            for concurrency in self.plan.concurrency:
                measurements: list[Measurement] = []
                self._levels.append((concurrency, measurements))
                stage = f"concurrency {concurrency}"
                prompts = self._prompts(preparation, self.plan.num_requests)
                await self._load(preparation, stage, prompts, concurrency, measurements)

    async def _warm_up(self, preparation: Preparation) -> None:
        prompts = self._prompts(preparation, self.plan.num_warmup)
        if prompts:
            await self._load(preparation, "warm-up", prompts, max(self.plan.concurrency), [])

    def _prompts(self, preparation: Preparation, count: int) -> list[str]:
        """New ones for every level, so that no level finds the prompts of another in a cache."""
        plan = self.plan
        writer = PromptWriter(
            plan.seed, plan.prompt_tokens, plan.prefix_tokens, preparation.calibration
        )
        return [writer.write(f"level {len(self._levels)} request {i}") for i in range(count)]

    async def _load(
        self,
        preparation: Preparation,
        stage: str,
        prompts: list[str],
        concurrency: int,
        measurements: list[Measurement],
    ) -> None:
        async def send(prompt: str) -> Measurement:
            return await preparation.sender.measure(prompt, self.plan.output_tokens)

        def record(measurement: Measurement) -> None:
            measurements.append(measurement)
            self._progress(stage, len(measurements), len(prompts), "requests")

        self._progress(stage, 0, len(prompts), "requests")
        await run_closed_loop(send, prompts, concurrency, record)
