"""Fused modules come in where they give the same numbers, and nowhere else."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PreTrainedModel

from antiphon.models.attention import ATTENTION_NAME, register_attention
from antiphon.models.fusion.decoder_layer import FusedDecoderLayer
from antiphon.models.network import Network
from tests.models.test_architectures import ARCHITECTURES, BASE

LAYERS = BASE["num_hidden_layers"]
# What the four layers of each become, beside their norms.
WHOLE_LAYERS = [
    "llama",
    "qwen2",
    "qwen3",
    "mistral",
    "ministral",
    "gemma",
    "phi3",
    "smollm3",
    "qwen2_moe",
    "qwen3_moe",
    "mixtral",
    "granite",
    "glm",
    "glm4_moe",
    "deepseek_v3",
    "ernie4_5",
    "hunyuan_v1_dense",
    "seed_oss",
    "minimax_m2",
    "helium",
]
BLOCKS_ONLY = ["gemma2", "gemma3_text", "exaone4", "stablelm", "olmo"]


def tiny_model(model_type: str, **changes: Any) -> PreTrainedModel:  # noqa: ANN401
    register_attention()
    config = CONFIG_MAPPING[model_type](**BASE | ARCHITECTURES[model_type] | changes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            config, dtype=torch.float32, attn_implementation=ATTENTION_NAME
        ).eval()
    return model


def fused(model: PreTrainedModel) -> dict[str, int]:
    return Network(model, max_state_rows=2).fusion.counts


@pytest.mark.parametrize("model_type", WHOLE_LAYERS)
def test_layers_of_the_usual_shape_are_fused_whole(model_type: str) -> None:
    assert fused(tiny_model(model_type))["decoder layers"] == LAYERS


@pytest.mark.parametrize("model_type", BLOCKS_ONLY)
def test_blocks_of_other_layers_are_fused(model_type: str) -> None:
    counts = fused(tiny_model(model_type))
    assert counts["attention blocks"] == counts["gated feed-forward blocks"] == LAYERS
    assert "decoder layers" not in counts


def test_linear_layers_with_one_input_are_packed_where_no_block_fits() -> None:
    assert fused(tiny_model("olmo2"))["linear layers with one input"] == 3 * LAYERS


class DoubledMlp(nn.Module):
    """Looks like the block it was made of, and computes something else."""

    def __init__(self, mlp: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.gate_proj, self.up_proj, self.down_proj = mlp.gate_proj, mlp.up_proj, mlp.down_proj
        self.act_fn = mlp.act_fn

    def forward(self, hidden: Tensor) -> Tensor:
        doubled: Tensor = 2 * self.down_proj(
            self.act_fn(self.gate_proj(hidden)) * self.up_proj(hidden)
        )
        return doubled


def test_a_block_that_computes_something_else_stays() -> None:
    model: Any = tiny_model("llama")
    model.model.layers[1].mlp = DoubledMlp(model.model.layers[1].mlp)
    counts = fused(model)
    assert counts["gated feed-forward blocks"] == LAYERS - 1
    assert counts["linear layers with one input"] == 2
    assert type(model.model.layers[1].feed_forward) is DoubledMlp


class LateScaling(nn.Module):
    """An attention block whose later positions count double, as no fused block knows."""

    def __init__(self, attention: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.inner = attention
        self.antiphon_attention = None
        for name in ("q_proj", "k_proj", "v_proj", "o_proj", "layer_idx"):
            setattr(self, name, getattr(attention, name))

    def forward(self, hidden_states: Tensor, position_ids: Tensor, **keywords: Any) -> Any:  # noqa: ANN401
        output, weights = self.inner(hidden_states=hidden_states, **keywords)
        return output * (1 + (position_ids > 100).to(output.dtype))[..., None], weights


def test_what_only_late_positions_show_is_noticed() -> None:
    model: Any = tiny_model("llama")
    layer = model.model.layers[2]
    layer.self_attn = LateScaling(layer.self_attn)
    fused(model)
    attention = model.model.layers[2].attention
    assert type(attention) is LateScaling


class Reaching(nn.Module):
    """A model's head that reaches into a layer for a weight: a fused layer has none there."""

    def __init__(self, head: nn.Module, layers: nn.ModuleList) -> None:
        super().__init__()
        self.head: Any = head
        self.layers: list[Any] = [layers]  # in a list, so that it isn't a part of this module

    def forward(self, hidden: Tensor) -> Tensor:
        weight = self.layers[0][0].mlp.gate_proj.weight
        logits: Tensor = self.head(hidden) + 0 * weight.sum()
        return logits


def test_replacements_that_break_the_model_are_undone() -> None:
    model: Any = tiny_model("llama")
    model.lm_head = Reaching(model.lm_head, model.model.layers)
    counts = fused(model)
    assert "decoder layers" not in counts
    assert "gated feed-forward blocks" not in counts
    assert not any(isinstance(layer, FusedDecoderLayer) for layer in model.model.layers)
    assert counts["attention blocks"] == LAYERS


def test_the_report_says_what_was_fused_and_what_was_undone() -> None:
    model: Any = tiny_model("llama")
    model.lm_head = Reaching(model.lm_head, model.model.layers)
    report = str(Network(model, max_state_rows=2).fusion)
    assert "9 norms" in report
    assert "undone, as the logits changed: decoder layers" in report


def test_weights_are_not_held_twice_while_a_model_is_fused() -> None:
    model: Any = tiny_model("llama")
    attention = model.model.layers[0].self_attn
    query = attention.q_proj
    network = Network(model.to(torch.float16), max_state_rows=2)  # no layout of its own on a CPU
    assert network.fusion.counts["attention blocks"] == LAYERS
    packed = model.model.layers[0].attention.qkv.weight
    assert query.weight.data_ptr() == packed.data_ptr()
