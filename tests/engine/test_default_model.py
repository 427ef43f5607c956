"""The default model in float32 says what `transformers.generate` says, whatever the schedule."""

from pathlib import Path

import pytest
from transformers import PreTrainedModel

from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.tokenizer import Tokenizer
from tests.engines import generate, load_float32, network_engine, run

pytestmark = [pytest.mark.model, pytest.mark.slow]

NUM_PROMPTS = 12
MAX_TOKENS = 16
STOP_TOKEN_ID = 2  # <|im_end|>
TEXT = (
    "A river is a natural stream of fresh water that flows on land or inside caves towards another "
    "body of water at a lower elevation, such as an ocean, a lake, or another river. "
    "def fibonacci(n): return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2). "
    "In 1969, Apollo 11 landed on the Moon; 21.5 kg of rock came back. Ça, c'est la vie! "
    "東京は日本の首都です。 Once upon a time, in a small village by the sea, there lived a girl "
    "who could talk to the gulls, and every morning she asked them what the weather would be."
)


@pytest.fixture(scope="module")
def prompts(default_model: Path) -> dict[int, list[int]]:
    """Slices of the text as chat turns, from 1 to about 150 tokens of content."""
    tokenizer = Tokenizer.from_folder(default_model)
    words = TEXT.split()
    prompts = {}
    for index in range(NUM_PROMPTS):
        content = " ".join(words[3 * index : 3 * index + 1 + (index * index) // 2])
        prompts[index] = tokenizer.encode(
            f"<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n"
        )
    return prompts


@pytest.fixture(scope="module")
def model(default_model: Path) -> PreTrainedModel:
    return load_float32(default_model)


@pytest.fixture(scope="module")
def generated(default_model: Path, prompts: dict[int, list[int]]) -> dict[int, list[int]]:
    return generate(default_model, prompts, max_tokens=MAX_TOKENS, stop_token_id=STOP_TOKEN_ID)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"max_num_seqs": 1, "prefix_cache": False}, id="alone"),
        pytest.param({"prefix_cache": False}, id="all at once"),
        pytest.param({"max_num_batched_tokens": 48}, id="in small chunks, reusing prefixes"),
        pytest.param(
            {"num_blocks": 60, "prefix_cache": False}, id="in a pool so small that it preempts"
        ),
    ],
)
def test_greedy_tokens_equal_those_of_generate(
    options: dict[str, object],
    model: PreTrainedModel,
    prompts: dict[int, list[int]],
    generated: dict[int, list[int]],
) -> None:
    engine = network_engine(model, **{"num_blocks": 1024} | options)  # type: ignore[arg-type]
    params = SamplingParams(temperature=0, max_tokens=MAX_TOKENS, stop_token_ids=(STOP_TOKEN_ID,))
    outputs = run(engine, prompts, params)
    assert {index: output.token_ids for index, output in outputs.items()} == generated
    assert ("num_blocks" in options) == (engine.stats().num_preemptions > 0)
