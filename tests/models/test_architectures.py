"""Every architecture gives transformers' own logits over paged attention.

Tiny random configs, float32. Three ragged prompts run together through the engine, prefilled in
chunks of at most eight tokens and decoded; windows and chunks are smaller than the prompts, so that
each mask matters.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PreTrainedModel

from antiphon.engine.block_manager import BlockManager
from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.model_runner import NetworkRunner
from antiphon.engine.places import Places
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.scheduler import Scheduler
from antiphon.models.attention import ATTENTION_NAME, register_attention
from antiphon.models.network import Network

BASE: dict[str, Any] = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 128,
    "sliding_window": 7,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "initializer_range": 0.2,
}
MOE: dict[str, Any] = {
    "moe_intermediate_size": 16,
    "num_experts_per_tok": 2,
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "shared_expert_intermediate_size": 16,
}
DELTA_NET: dict[str, Any] = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
MAMBA: dict[str, Any] = {
    "mamba_n_heads": 8,
    "mamba_d_head": 8,
    "mamba_d_state": 8,
    "mamba_n_groups": 1,
}
MLA: dict[str, Any] = {
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "v_head_dim": 8,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "num_key_value_heads": 4,
}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen2": {},
    "qwen3": {},
    "mistral": {},
    "ministral": {},
    "phi": {},
    "phi3": {},
    "gemma": {},
    "gemma2": {"query_pre_attn_scalar": 8, "attn_logit_softcapping": 5.0},
    "gemma3_text": {"layer_types": ["sliding_attention", "full_attention"] * 2},
    "gemma4_text": {
        "vocab_size_per_layer_input": 96,
        "hidden_size_per_layer_input": 8,
        "num_kv_shared_layers": 2,
        "global_head_dim": 16,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
    },
    "olmo": {},
    "olmo2": {},
    "olmo3": {},
    "smollm3": {},
    "qwen2_moe": MOE,
    "qwen3_moe": MOE,
    "mixtral": MOE,
    "gpt_oss": MOE | {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
    "granite": {},
    "granitemoe": MOE,
    "granitemoehybrid": MOE | MAMBA | {"layer_types": ["mamba", "attention"] * 2},
    "cohere": {},
    "cohere2": {},
    "glm": {},
    "glm4": {},
    "glm4_moe": MOE,
    "deepseek_v3": MOE | MLA,
    "starcoder2": {},
    "ernie4_5": {},
    "hunyuan_v1_dense": {},
    "seed_oss": {},
    "exaone4": {},
    "nemotron": {},
    "stablelm": {},
    "gpt_neox": {},
    "opt": {"word_embed_proj_dim": 32},
    "gpt2": {},
    "lfm2": {"full_attn_idxs": [1, 3], "block_ff_dim": 48},
    "qwen3_5_text": DELTA_NET,
    "qwen3_next": DELTA_NET | MOE,
    "olmo_hybrid": DELTA_NET,
    "bamba": MAMBA | {"attn_layer_indices": [1, 3]},
    "falcon_h1": MAMBA | {"mamba_d_ssm": 64},
    "jamba": MOE
    | {"mamba_d_state": 8, "mamba_dt_rank": 4, "attn_layer_period": 2, "attn_layer_offset": 1},
    "nemotron_h": MOE
    | {
        "mamba_num_heads": 8,
        "mamba_head_dim": 8,
        "ssm_state_size": 8,
        "n_groups": 1,
        "layers_block_type": ["linear_attention", "full_attention", "mlp", "full_attention"],
    },
    "llama4_text": MOE | {"attention_chunk_size": 8, "intermediate_size_mlp": 48},
    "minimax_m2": MOE,
    "apertus": {},
    "helium": {},
}
PROMPT_LENS = (21, 6, 13)
NUM_OUTPUT_TOKENS = 5


@dataclass
class RecordingSampler:
    """Greedy, and remembers every row of logits by sequence."""

    logits: dict[int, list[Tensor]] = field(default_factory=dict)

    def __call__(self, logits: Tensor, places: Places) -> list[int]:
        for row, sequence in zip(logits, places.sequences, strict=True):
            self.logits.setdefault(sequence.sequence_id, []).append(row)
        token_ids: list[int] = logits.argmax(dim=-1).tolist()
        return token_ids


@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_paged_logits_equal_those_of_transformers(model_type: str) -> None:
    check_paged_logits(model_type, torch.device("cpu"))


def check_paged_logits(model_type: str, device: torch.device) -> None:
    """Raise AssertionError where our logits are not transformers' own, both on `device`."""
    model = _tiny_model(model_type).to(device)  # type: ignore[arg-type]
    prompts = _prompts()
    sampler = RecordingSampler()
    outputs = _run(_engine(model, sampler), prompts)

    reference_model = _tiny_model(model_type).to(device)  # type: ignore[arg-type]
    reference_model.set_attn_implementation("eager")
    for sequence_id, prompt in enumerate(prompts):
        paged = torch.stack(sampler.logits[sequence_id])
        token_ids = prompt + outputs[sequence_id]
        with torch.inference_mode():
            input_ids = torch.tensor([token_ids], device=device)
            reference = reference_model(input_ids=input_ids, use_cache=False).logits[0].float()
        # The logits that chose each output token stand one position before it.
        expected = reference[len(prompt) - 1 : -1]
        torch.testing.assert_close(paged, expected, atol=2e-4, rtol=1e-4)


def _tiny_model(model_type: str) -> PreTrainedModel:
    register_attention()
    config = CONFIG_MAPPING[model_type](**BASE | ARCHITECTURES[model_type])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            config, dtype=torch.float32, attn_implementation=ATTENTION_NAME
        ).eval()
    return model


def _prompts() -> list[list[int]]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randint(3, 96, (length,), generator=generator).tolist() for length in PROMPT_LENS]


def _engine(model: PreTrainedModel, sampler: RecordingSampler) -> LLMEngine:
    network = Network(model, max_state_rows=4)
    blocks = BlockManager(num_blocks=32, block_size=4, prefix_cache=False)
    network.allocate_kv(num_blocks=33, block_size=4)
    scheduler = Scheduler(
        blocks,
        max_num_seqs=4,
        max_num_batched_tokens=8 if network.continues_state else 128,
        chunked_prefill=network.continues_state,
    )
    runner = NetworkRunner(network, block_size=4, sampler=sampler)
    return LLMEngine(blocks, scheduler, runner, max_sequence_len=128)


def _run(engine: LLMEngine, prompts: list[list[int]]) -> dict[int, list[int]]:
    outputs: dict[int, list[int]] = {}
    for sequence_id, prompt in enumerate(prompts):
        params = SamplingParams(temperature=0, max_tokens=NUM_OUTPUT_TOKENS)
        engine.add(sequence_id, prompt, params)
    while engine.has_unfinished:
        for delta in engine.step().deltas:
            outputs.setdefault(delta.sequence_id, []).extend(delta.token_ids)
    return outputs


def test_a_layer_that_forgets_its_state_between_chunks_is_noticed() -> None:
    assert not Network(_tiny_model("jamba"), max_state_rows=4).continues_state
    assert Network(_tiny_model("qwen3_next"), max_state_rows=4).continues_state


def test_layers_that_share_keys_share_their_cache() -> None:
    """Gemma 4's last two layers reuse the keys of the first two, so half the memory is enough."""
    shared = Network(_tiny_model("gemma4_text"), max_state_rows=4)
    heads, sliding_dim, full_dim, keys_and_values = 2, 8, 16, 2
    expected_numbers = heads * keys_and_values * (sliding_dim + full_dim)
    assert shared.kv_bytes_per_token == expected_numbers * torch.float32.itemsize
