"""Grammars and logprobs through the engine process, over a tiny random Llama."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import pytest_asyncio

from antiphon.engine.client import EngineClient
from antiphon.engine.config import EngineConfig
from antiphon.engine.errors import GrammarFailed
from antiphon.engine.outputs import FinishReason
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.tokenizer import Tokenizer
from tests.engines import Output
from tests.grammars import WEATHER, WEATHER_SCHEMA, json_grammar

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

FREE = SamplingParams(temperature=0, max_tokens=8)
WEATHERLY = SamplingParams(temperature=0, grammar=WEATHER, max_tokens=100, num_top_logprobs=2)
SLOW_TO_COMPILE = json_grammar({"type": "integer", "multipleOf": 99_991})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(folder: Path) -> AsyncIterator[EngineClient]:
    config = EngineConfig(
        str(folder), device="cpu", num_threads=1, kv_cache_memory_bytes=4 * 1024**2, max_num_seqs=4
    )
    client = EngineClient(config)
    await client.start()
    yield client
    await client.stop()


async def collect(client: EngineClient, params: SamplingParams) -> Output:
    output = Output()
    async with client.submit([5, 6, 7], params) as generation:
        async for delta in generation:
            output.token_ids += delta.token_ids
            output.logprobs += delta.logprobs
            output.finish_reason = delta.finish_reason
    return output


async def until_idle(client: EngineClient) -> None:
    while client.stats is None or client.stats.num_running or client.stats.num_waiting:
        await asyncio.sleep(0.01)


async def test_constrained_and_free_sequences_run_side_by_side(
    client: EngineClient, tokenizer: Tokenizer
) -> None:
    alone = await collect(client, FREE)
    outputs = await asyncio.gather(*[collect(client, params) for params in (FREE, WEATHERLY) * 3])
    assert all(output == alone for output in outputs[::2])
    assert all(output.token_ids == outputs[1].token_ids for output in outputs[3::2])
    assert outputs[1].finish_reason is FinishReason.GRAMMAR_END
    assert len(outputs[1].logprobs) == len(outputs[1].token_ids)
    text = b"".join(map(tokenizer.token_bytes, outputs[1].token_ids)).decode()
    jsonschema.validate(json.loads(text), WEATHER_SCHEMA)


async def test_a_grammar_that_compiles_for_long_does_not_hold_up_the_others(
    client: EngineClient,
) -> None:
    slow = asyncio.create_task(collect(client, replace(WEATHERLY, grammar=SLOW_TO_COMPILE)))
    await asyncio.sleep(0)
    free = await collect(client, FREE)
    assert len(free.token_ids) == 8
    assert not slow.done()
    assert (await slow).token_ids


async def test_a_grammar_that_does_not_compile_fails_its_sequence_alone(
    client: EngineClient,
) -> None:
    broken = collect(client, replace(WEATHERLY, grammar="start: missing"))
    outcomes = await asyncio.gather(broken, collect(client, FREE), return_exceptions=True)
    assert isinstance(outcomes[0], GrammarFailed)
    assert "missing" in str(outcomes[0])
    assert isinstance(outcomes[1], Output)


async def test_leaving_while_the_grammar_compiles_or_the_text_is_written_leaves_nothing_behind(
    client: EngineClient,
) -> None:
    async with client.submit([5, 6], replace(WEATHERLY, grammar=SLOW_TO_COMPILE)):
        pass
    endless = replace(WEATHERLY, grammar="start: /[a-z]+/", max_tokens=None)
    async with client.submit([5, 6], endless) as generation:
        await anext(generation)
    await until_idle(client)
    assert client.stats is not None
    assert client.stats.num_free_blocks == client.stats.num_blocks
    assert (await collect(client, FREE)).finish_reason is FinishReason.LENGTH
