"""On a GPU, in float32, the tokens are transformers' own, whatever the schedule."""

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.cache import ModelCache
from antiphon.models.catalog import DEFAULT_MODEL
from antiphon.models.tokenizer import Tokenizer
from tests.engines import generate, load_float32, network_engine, random_prompts, run
from tests.tiny import write_tiny_llama

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here"),
]

MAX_TOKENS = 16
LENGTHS = [1, 2, 5, 16, 17, 33, 60, 100, 3, 48]
SENTENCES = (
    "What is the capital of France?",
    "Write a function that adds two numbers.",
    "Tell me about rivers: where they come from, where they go, and who lives at them.",
    "東京は日本の首都です。",
    "Once upon a time, in a small village by the sea, there lived a girl who could talk to the "
    "gulls, and every morning she asked them what the weather would be. What did they say?",
)

Prompts = dict[int, list[int]]


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_llama(tmp_path_factory.mktemp("tiny") / "llama")


@pytest.fixture(scope="module")
def tiny_prompts() -> Prompts:
    return random_prompts(LENGTHS, vocab_size=500)


@pytest.fixture(scope="module")
def cached_default_model() -> Path:
    cache = ModelCache.default()
    if not cache.is_complete(DEFAULT_MODEL):
        pytest.skip(f"{DEFAULT_MODEL} is not in the cache: run `antiphon pull` first")
    return cache.folder(DEFAULT_MODEL)


@pytest.fixture(scope="module")
def default_prompts(cached_default_model: Path) -> Prompts:
    tokenizer = Tokenizer.from_folder(cached_default_model)
    return {
        index: tokenizer.encode(f"<|im_start|>user\n{sentence}<|im_end|>\n<|im_start|>assistant\n")
        for index, sentence in enumerate(SENTENCES)
    }


def paged_tokens(model: PreTrainedModel, prompts: Prompts, options: dict[str, object]) -> Prompts:
    engine = network_engine(model, **options)  # type: ignore[arg-type]
    outputs = run(engine, prompts, SamplingParams(temperature=0, max_tokens=MAX_TOKENS))
    assert ("num_blocks" in options) == (engine.stats().num_preemptions > 0)
    return {index: output.token_ids for index, output in outputs.items()}


@pytest.fixture(scope="module")
def tiny_model(tiny_folder: Path, cuda: torch.device) -> PreTrainedModel:
    return load_float32(tiny_folder, cuda)


@pytest.fixture(scope="module")
def tiny_generated(tiny_folder: Path, tiny_prompts: Prompts, cuda: torch.device) -> Prompts:
    return generate(tiny_folder, tiny_prompts, max_tokens=MAX_TOKENS, device=cuda)


@pytest.fixture(scope="module")
def default_paged(cached_default_model: Path, cuda: torch.device) -> PreTrainedModel:
    return load_float32(cached_default_model, cuda)


@pytest.fixture(scope="module")
def default_generated(
    cached_default_model: Path, default_prompts: Prompts, cuda: torch.device
) -> Prompts:
    return generate(cached_default_model, default_prompts, max_tokens=MAX_TOKENS, device=cuda)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"max_num_seqs": 1}, id="alone"),
        pytest.param({}, id="all at once"),
        pytest.param({"max_num_batched_tokens": 7, "max_num_seqs": 4}, id="in small chunks"),
        pytest.param({"num_blocks": 36}, id="with preemption"),
        pytest.param({"num_blocks": 36, "prefix_cache": False}, id="recomputed after preemption"),
        pytest.param({"block_size": 16}, id="in blocks of sixteen"),
    ],
)
def test_a_tiny_model_says_what_generate_says(
    options: dict[str, object],
    tiny_model: PreTrainedModel,
    tiny_prompts: Prompts,
    tiny_generated: Prompts,
) -> None:
    assert paged_tokens(tiny_model, tiny_prompts, options) == tiny_generated


@pytest.mark.model
@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"max_num_seqs": 1, "prefix_cache": False}, id="alone"),
        pytest.param({"prefix_cache": False}, id="all at once"),
        pytest.param({"max_num_batched_tokens": 16, "max_num_seqs": 8}, id="in small chunks"),
        pytest.param({"num_blocks": 36, "prefix_cache": False}, id="with preemption"),
    ],
)
def test_the_default_model_says_what_generate_says(
    options: dict[str, object],
    default_paged: PreTrainedModel,
    default_prompts: Prompts,
    default_generated: Prompts,
) -> None:
    assert paged_tokens(default_paged, default_prompts, options) == default_generated
