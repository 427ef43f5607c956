"""Whatever the schedule, the tokens are transformers' own: on a tiny random Llama, float32."""

import copy
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from antiphon.engine.model_runner import NetworkRunner
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.network import Network
from tests.engines import fake_engine, generate, network_engine, random_prompts, run

LENGTHS = [1, 2, 5, 16, 17, 33, 60, 100, 3, 48]
PARAMS = SamplingParams(temperature=0, max_tokens=16)
SAMPLED = SamplingParams(temperature=0.9, top_p=0.95, seed=11, max_tokens=16)


@pytest.fixture(scope="module")
def generated(folder: Path) -> dict[int, list[int]]:
    return generate(folder, random_prompts(LENGTHS, vocab_size=500), max_tokens=16)


def tokens(
    engine_options: dict[str, object], model: PreTrainedModel, params: SamplingParams
) -> dict[int, list[int]]:
    engine = network_engine(model, **engine_options)  # type: ignore[arg-type]
    outputs = run(engine, random_prompts(LENGTHS, vocab_size=500), params)
    return {index: output.token_ids for index, output in outputs.items()}


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"max_num_seqs": 1}, id="alone"),
        pytest.param({}, id="all at once"),
        pytest.param({"max_num_batched_tokens": 7}, id="in small chunks"),
        pytest.param({"num_blocks": 36}, id="with preemption"),
        pytest.param({"num_blocks": 36, "prefix_cache": False}, id="recomputed after preemption"),
        pytest.param({"block_size": 1}, id="in blocks of one"),
        pytest.param({"block_size": 64}, id="in large blocks"),
    ],
)
def test_greedy_tokens_equal_those_of_generate(
    options: dict[str, object], model: PreTrainedModel, generated: dict[int, list[int]]
) -> None:
    assert tokens(options, model, PARAMS) == generated


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"max_num_seqs": 1}, id="alone"),
        pytest.param({"max_num_batched_tokens": 7}, id="in small chunks"),
        pytest.param({"num_blocks": 36}, id="with preemption"),
    ],
)
def test_sampled_tokens_do_not_depend_on_the_schedule(
    options: dict[str, object], model: PreTrainedModel
) -> None:
    assert tokens(options, model, SAMPLED) == tokens({}, model, SAMPLED)


def test_a_cached_prefix_gives_the_same_tokens_as_none(model: PreTrainedModel) -> None:
    prompt = random_prompts([50], vocab_size=500)[0]
    fresh = run(network_engine(model), {0: prompt}, PARAMS)[0]
    engine = network_engine(model)
    run(engine, {0: prompt[:40]}, PARAMS)
    cached = run(engine, {1: prompt}, PARAMS)[1]
    assert cached.num_cached_tokens == 40
    assert cached.token_ids == fresh.token_ids


def test_what_others_left_in_the_cache_does_not_show(model: PreTrainedModel) -> None:
    """Even NaN: sequences that follow get the tokens that they get in a new cache."""
    model = copy.deepcopy(model)
    network = Network(model, max_state_rows=64)
    network.allocate_kv(num_blocks=257, block_size=4)
    engine = fake_engine(
        NetworkRunner(network, 4), num_blocks=256, max_num_seqs=64, prefix_cache=False
    )
    prompts = random_prompts(LENGTHS, vocab_size=500)
    fresh = run(engine, prompts, PARAMS)
    bound = [getattr(module, "antiphon_attention", None) for module in model.modules()]
    caches = [layer.kv for layer in bound if layer is not None and layer.kv is not None]
    assert caches
    for kv in caches:
        kv.keys.blocks[1:] = torch.nan
        kv.values.blocks[1:] = torch.nan
    assert run(engine, prompts, PARAMS) == fresh
