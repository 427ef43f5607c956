"""The engine as the API process sees it: a process that is kept running, and its sequences.

When the engine process dies, its sequences fail with EngineDied and a new one is started;
everything else goes on.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Sequence

from antiphon.engine.child import ENGINE_COMMAND, EngineChild
from antiphon.engine.client_generation import ClientGeneration
from antiphon.engine.config import EngineConfig
from antiphon.engine.errors import (
    EngineDied,
    EngineError,
    EngineOverloaded,
    EngineStartupError,
    EngineUnavailable,
    GrammarFailed,
)
from antiphon.engine.generation import EngineCard
from antiphon.engine.messages import (
    AbortSequence,
    AddSequence,
    FromEngine,
    LoadProgress,
    Ready,
    Start,
    StartFailed,
    Stepped,
)
from antiphon.engine.outputs import EngineStats, StepOutput
from antiphon.engine.priority import Priority
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.progress import Progress, ignore_progress

FIRST_RESTART_DELAY_SECONDS = 0.5
LAST_RESTART_DELAY_SECONDS = 30.0
EXIT_GRACE_SECONDS = 5.0
SHUTTING_DOWN = "The server is shutting down."


class EngineClient:
    """Keeps the `Engine` protocol over an engine process; `command` starts it."""

    def __init__(self, config: EngineConfig, command: Sequence[str] = ENGINE_COMMAND) -> None:
        self._config = config
        self._command = command
        self._progress: Progress = ignore_progress
        self._ids = itertools.count()
        self._generations: dict[int, ClientGeneration] = {}
        self._child: EngineChild | None = None
        self._card: EngineCard | None = None
        self._stats: EngineStats | None = None
        self._is_ready = False
        self._is_stopping = False
        self._failure = ""
        self._supervisor: asyncio.Task[None] | None = None
        self._log = logging.getLogger("antiphon.engine")

    @property
    def card(self) -> EngineCard:
        if self._card is None:
            raise EngineUnavailable("The model is still loading.")
        return self._card

    @property
    def is_ready(self) -> bool:
        return self._is_ready

    @property
    def stats(self) -> EngineStats | None:
        return self._stats

    @property
    def engine_pid(self) -> int | None:
        """The engine process, while there is one."""
        return self._child.pid if self._child is not None else None

    async def start(self, progress: Progress = ignore_progress) -> EngineCard:
        """Start the engine process, wait for its model, and keep one running from then on.

        Raises EngineStartupError when the first start fails.
        """
        self._progress = progress
        first_start: asyncio.Future[EngineCard] = asyncio.get_running_loop().create_future()
        self._supervisor = asyncio.create_task(self._supervise(first_start))
        try:
            await asyncio.wait((self._supervisor, first_start), return_when=asyncio.FIRST_COMPLETED)
            if not first_start.done():
                self._supervisor.result()  # raises what it died of
            return first_start.result()
        finally:
            self._progress = ignore_progress

    async def stop(self) -> None:
        """End the engine process and what still runs."""
        self.fail_running()
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])
            self._supervisor = None

    def fail_running(self) -> None:
        """Let every sequence end now, with EngineUnavailable, and take no more."""
        self._is_stopping = True
        self._fail_all(EngineUnavailable(SHUTTING_DOWN))

    def submit(
        self,
        prompt_token_ids: list[int],
        params: SamplingParams,
        *,
        priority: Priority = Priority.DEFAULT,
        cache_salt: str = "",
    ) -> ClientGeneration:
        if self._is_stopping:
            raise EngineUnavailable(SHUTTING_DOWN)
        if self._child is None or not self._is_ready:
            raise EngineUnavailable("The engine is not ready.")
        self.card.check(prompt_token_ids, params)
        if len(self._generations) >= self._config.max_num_seqs + self._config.max_queued_seqs:
            raise EngineOverloaded(
                f"{len(self._generations)} responses are running or queued already."
            )
        sequence_id = next(self._ids)
        self._child.send(AddSequence(sequence_id, prompt_token_ids, params, priority, cache_salt))
        generation = ClientGeneration(sequence_id, self._abandon)
        self._generations[sequence_id] = generation
        return generation

    def _abandon(self, sequence_id: int) -> None:
        """The caller is gone: stop computing. A sequence that has ended is not known any more."""
        if self._generations.pop(sequence_id, None) is not None and self._child is not None:
            with contextlib.suppress(EngineUnavailable):
                self._child.send(AbortSequence(sequence_id))

    async def _supervise(self, first_start: "asyncio.Future[EngineCard]") -> None:
        delay_seconds = FIRST_RESTART_DELAY_SECONDS
        while True:
            was_ready = await self._run_child(first_start)
            self._fail_all(EngineDied(self._failure))
            if not first_start.done():
                first_start.set_exception(EngineStartupError(self._failure))
                return
            if was_ready:
                delay_seconds = FIRST_RESTART_DELAY_SECONDS
            self._log.error("%s Starting it again in %.1f s.", self._failure, delay_seconds)
            await asyncio.sleep(delay_seconds)
            delay_seconds = min(2 * delay_seconds, LAST_RESTART_DELAY_SECONDS)

    async def _run_child(self, first_start: "asyncio.Future[EngineCard]") -> bool:
        """One engine process from start to end; `_failure` then says why it ended.

        Returns whether it was ever ready. Nothing that goes wrong with it ends the supervision.
        """
        self._failure = ""
        try:
            self._child = await EngineChild.spawn(self._command)
        except OSError as error:
            self._failure = f"The engine process could not be started: {error}."
            return False
        has_ended = False
        try:
            self._child.send(Start(self._config))
            async for message in self._child.messages():
                self._handle(message)
                if self._card is not None and not first_start.done():
                    first_start.set_result(self._card)
            has_ended = True
        except Exception:
            self._log.exception("What the engine said could not be handled.")
        finally:
            child, self._child = self._child, None
            was_ready, self._is_ready, self._stats = self._is_ready, False, None
            # One that is still loading does not listen: there is nothing to wait for.
            exit_code = await child.end(EXIT_GRACE_SECONDS if was_ready or has_ended else 0)
        if not self._failure:
            self._failure = f"The engine process ended unexpectedly (exit code {exit_code})."
        return was_ready

    def _handle(self, message: FromEngine) -> None:
        match message:
            case LoadProgress(stage, done, total, unit):
                self._progress(stage, done, total, unit)
            case Ready(card):
                self._card, self._is_ready = card, True
            case StartFailed(reason):
                self._failure = reason
            case Stepped(output):
                self._deliver(output)

    def _deliver(self, output: StepOutput) -> None:
        self._stats = output.stats
        for delta in output.deltas:
            generation = self._generations.get(delta.sequence_id)
            if generation is None:
                continue  # abandoned a moment ago
            if delta.finish_reason is not None:
                del self._generations[delta.sequence_id]
            generation.push(delta)
        for failure in output.failures:
            generation = self._generations.pop(failure.sequence_id, None)
            if generation is not None:
                generation.fail(GrammarFailed(failure.message))

    def _fail_all(self, error: EngineError) -> None:
        generations, self._generations = self._generations, {}
        for generation in generations.values():
            generation.fail(error)
