"""The engine in its own process, over a tiny random Llama."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from antiphon.engine.child import EngineChild
from antiphon.engine.client import EngineClient
from antiphon.engine.client_generation import ClientGeneration
from antiphon.engine.config import EngineConfig
from antiphon.engine.errors import (
    EngineDied,
    EngineOverloaded,
    EngineStartupError,
    EngineUnavailable,
    InvalidPrompt,
    InvalidSamplingParams,
    PromptTooLong,
)
from antiphon.engine.outputs import FinishReason
from antiphon.engine.sampling_params import SamplingParams

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

GREEDY = SamplingParams(temperature=0, max_tokens=8)


def config(folder: Path, **changes: object) -> EngineConfig:
    options: dict[str, object] = {
        "model": str(folder),
        "device": "cpu",
        "num_threads": 1,
        "kv_cache_memory_bytes": 4 * 1024**2,
        "max_num_seqs": 4,
        "max_queued_seqs": 4,
    }
    return EngineConfig(**options | changes)  # type: ignore[arg-type]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(folder: Path) -> AsyncIterator[EngineClient]:
    client = EngineClient(config(folder))
    await client.start()
    yield client
    await client.stop()


async def collect(generation: ClientGeneration) -> tuple[list[int], FinishReason | None]:
    token_ids: list[int] = []
    reason: FinishReason | None = None
    async with generation:
        async for delta in generation:
            token_ids += delta.token_ids
            reason = delta.finish_reason
    return token_ids, reason


async def until_idle(client: EngineClient) -> None:
    """Wait until the engine's books show nobody: every step and every abort reports them."""
    while client.stats is None or client.stats.num_running or client.stats.num_waiting:
        await asyncio.sleep(0.01)


async def test_sequences_run_side_by_side_and_give_everything_back(client: EngineClient) -> None:
    alone = [await collect(client.submit([5, 6, length], GREEDY)) for length in range(10, 16)]
    together = await asyncio.gather(
        *[collect(client.submit([5, 6, length], GREEDY)) for length in range(10, 16)]
    )
    assert together == alone
    assert all(len(token_ids) == 8 and reason is FinishReason.LENGTH for token_ids, reason in alone)
    await until_idle(client)
    assert client.stats is not None
    assert client.stats.num_free_blocks == client.stats.num_blocks


async def test_leaving_a_generation_early_frees_its_blocks(client: EngineClient) -> None:
    async with client.submit([5, 6, 7], SamplingParams(temperature=0)) as generation:
        async for _ in generation:
            break
    await until_idle(client)
    assert client.stats is not None
    assert client.stats.num_free_blocks == client.stats.num_blocks


async def test_cancelled_generation_ends_with_what_it_had(client: EngineClient) -> None:
    generation = client.submit([5, 6, 7], SamplingParams(temperature=0, max_tokens=400))
    token_ids: list[int] = []
    reason: FinishReason | None = None
    async with generation:
        async for delta in generation:
            token_ids += delta.token_ids
            reason = delta.finish_reason
            if len(token_ids) >= 2:
                generation.cancel()
    assert reason is FinishReason.ABORTED
    assert 2 <= len(token_ids) < 400
    await until_idle(client)


async def test_generation_that_has_ended_is_not_cancelled_any_more(client: EngineClient) -> None:
    generation = client.submit([5, 6, 7], GREEDY)
    async with generation:
        deltas = [delta async for delta in generation]
        generation.cancel()
    assert deltas[-1].finish_reason is FinishReason.LENGTH


async def test_what_can_never_run_is_refused_before_it_is_queued(client: EngineClient) -> None:
    limit = client.card.max_sequence_len
    with pytest.raises(PromptTooLong):
        client.submit([5] * limit, GREEDY)
    with pytest.raises(InvalidPrompt):
        client.submit([], GREEDY)
    with pytest.raises(InvalidPrompt):
        client.submit([client.card.vocab_size], GREEDY)
    with pytest.raises(InvalidSamplingParams):
        client.submit([5], SamplingParams(logit_bias={client.card.vocab_size: 1}))
    assert await collect(client.submit([5] * (limit - 1), SamplingParams(temperature=0))) != (
        [],
        None,
    )


async def test_a_full_queue_refuses_and_takes_again_when_it_has_room(client: EngineClient) -> None:
    generations = [client.submit([5, 6], SamplingParams(temperature=0)) for _ in range(8)]
    with pytest.raises(EngineOverloaded):
        client.submit([5, 6], GREEDY)
    for generation in generations:
        async with generation:
            pass
    assert len((await collect(client.submit([5, 6], GREEDY)))[0]) == 8


async def test_a_dead_engine_fails_its_sequences_and_is_started_again(client: EngineClient) -> None:
    expected = await collect(client.submit([5, 6, 7], GREEDY))
    generation = client.submit([5, 6, 7], SamplingParams(temperature=0))
    assert client.engine_pid is not None
    os.kill(client.engine_pid, signal.SIGKILL)
    with pytest.raises(EngineDied):
        await collect(generation)
    with pytest.raises(EngineUnavailable):
        client.submit([5, 6, 7], GREEDY)
    while not client.is_ready:
        await asyncio.sleep(0.05)
    assert await collect(client.submit([5, 6, 7], GREEDY)) == expected


async def test_an_engine_that_dies_while_it_is_written_to_is_started_again(
    client: EngineClient,
) -> None:
    """The write meets the closed socket before the reader finds its end."""
    expected = await collect(client.submit([5, 6, 7], GREEDY))
    generation = client.submit([5, 6, 7], SamplingParams(temperature=0))
    assert client.engine_pid is not None
    os.kill(client.engine_pid, signal.SIGKILL)
    psutil.Process(client.engine_pid).wait(timeout=30)  # the event loop has not run since
    with contextlib.suppress(EngineUnavailable):
        for _ in range(4):
            client.submit([5] * 200, SamplingParams(temperature=0))
    with pytest.raises(EngineDied):
        await collect(generation)
    while not client.is_ready:
        await asyncio.sleep(0.05)
    assert await collect(client.submit([5, 6, 7], GREEDY)) == expected


async def test_a_failed_spawn_is_tried_again(
    client: EngineClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn = EngineChild.spawn
    failures: list[OSError] = []

    async def spawn_at_the_second_try(command: Sequence[str]) -> EngineChild:
        if not failures:
            failures.append(OSError("Too many open files"))
            raise failures[0]
        return await spawn(command)

    monkeypatch.setattr(EngineChild, "spawn", spawn_at_the_second_try)
    assert client.engine_pid is not None
    os.kill(client.engine_pid, signal.SIGKILL)
    while not failures or not client.is_ready:
        await asyncio.sleep(0.05)
    assert len((await collect(client.submit([5, 6, 7], GREEDY)))[0]) == 8


async def test_nothing_is_taken_once_the_end_has_begun(folder: Path) -> None:
    client = EngineClient(config(folder))
    await client.start()
    client.fail_running()
    with pytest.raises(EngineUnavailable, match="shutting down"):
        client.submit([5, 6, 7], GREEDY)
    await client.stop()


async def test_stopping_ends_the_process_and_fails_what_still_runs(folder: Path) -> None:
    client = EngineClient(config(folder))
    await client.start()
    pid = client.engine_pid
    assert pid is not None
    generation = client.submit([5, 6, 7], SamplingParams(temperature=0))
    await client.stop()
    with pytest.raises((EngineDied, EngineUnavailable)):
        await collect(generation)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_model_that_is_not_there_fails_the_start_with_one_line(tmp_path: Path) -> None:
    client = EngineClient(config(tmp_path / "missing"))
    with pytest.raises(EngineStartupError, match="missing") as caught:
        await client.start()
    assert "\n" not in str(caught.value)
    await client.stop()


async def test_loading_reports_progress(folder: Path) -> None:
    reports: list[tuple[str, int, int | None, str]] = []
    client = EngineClient(config(folder))
    await client.start(lambda *report: reports.append(report))
    await client.stop()
    stages = {stage for stage, *_ in reports}
    assert "Loading weights" in stages
    assert reports[-1][1] == reports[-1][2], "the last report of a stage says that it is done"


async def test_dummy_weights_need_no_weights_file(folder: Path, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    client = EngineClient(config(tmp_path, load_format="dummy"))
    await client.start()
    assert len((await collect(client.submit([5, 6], GREEDY)))[0]) == 8
    await client.stop()
