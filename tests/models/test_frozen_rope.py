"""Rotary embeddings whose frequencies depend on length must not let sequences change each other."""

from typing import Any

import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PreTrainedModel

from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.attention import ATTENTION_NAME, register_attention
from antiphon.models.frozen_rope import freeze_rope
from tests.engines import network_engine, random_prompts, run

ORIGINAL_LEN = 32
MAX_LEN = 128
LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "short_factor": [1.0, 1.1, 1.2, 1.3],
    "long_factor": [2.0, 4.0, 6.0, 8.0],
    "original_max_position_embeddings": ORIGINAL_LEN,
}
PARAMS = SamplingParams(temperature=0, max_tokens=8)


def longrope_model(max_model_len: int) -> PreTrainedModel:
    register_attention()
    fields: dict[str, Any] = {
        "vocab_size": 96,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": MAX_LEN,
        "original_max_position_embeddings": ORIGINAL_LEN,
        "rope_parameters": LONGROPE,
        "initializer_range": 0.2,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            CONFIG_MAPPING["phi3"](**fields), attn_implementation=ATTENTION_NAME
        ).eval()
    freeze_rope(model, max_model_len)
    return model


def test_a_short_sequence_says_the_same_beside_a_long_one() -> None:
    model = longrope_model(MAX_LEN)
    prompts = random_prompts([10, 90], vocab_size=96)
    alone = run(network_engine(model), {0: prompts[0]}, PARAMS)[0]
    assert run(network_engine(model), prompts, PARAMS)[0] == alone


def test_a_long_prompt_says_the_same_whole_and_in_chunks() -> None:
    model = longrope_model(MAX_LEN)
    prompts = random_prompts([90], vocab_size=96)
    whole = run(network_engine(model), prompts, PARAMS)
    chunked = run(network_engine(model, max_num_seqs=4, max_num_batched_tokens=16), prompts, PARAMS)
    assert chunked == whole


@pytest.mark.parametrize(("max_model_len", "factors"), [(ORIGINAL_LEN, "short"), (MAX_LEN, "long")])
def test_the_frequencies_are_those_of_the_longest_sequence_served(
    max_model_len: int, factors: str
) -> None:
    model: Any = longrope_model(max_model_len)
    base = 1 / 10000.0 ** (torch.arange(0, 8, 2) / 8)
    expected = base / torch.tensor(LONGROPE[f"{factors}_factor"])
    torch.testing.assert_close(model.model.rotary_emb.inv_freq, expected)
