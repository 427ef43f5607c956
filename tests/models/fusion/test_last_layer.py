"""The last layer computes what is read of it, and no more."""

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from antiphon.models.fusion.decoder_layer import FusedDecoderLayer
from antiphon.models.network import Network
from tests.models.fusion.test_swaps import tiny_model
from tests.models.test_attention_backends import (
    BLOCK_SIZE,
    BLOCKS_PER_SEQUENCE,
    NUM_SEQUENCES,
    Sequences,
)


def network_of(model: nn.Module) -> Network:
    network = Network(model, max_state_rows=NUM_SEQUENCES)  # type: ignore[arg-type]
    network.allocate_kv(1 + NUM_SEQUENCES * BLOCKS_PER_SEQUENCE, BLOCK_SIZE)
    return network


def all_rows() -> None:
    return None


@pytest.mark.parametrize("model_type", ["llama", "qwen3", "mixtral", "gemma"])
@torch.inference_mode()
def test_logits_are_the_same_as_if_it_computed_everything(model_type: str) -> None:
    model: Any = tiny_model(model_type)
    complete: Any = copy.deepcopy(model)
    networks = network_of(model), network_of(complete)
    complete.model.layers[-1].wanted_rows = all_rows
    batch = Sequences().pack([range(20), range(25), range(18)])
    for rows in ([19, 44, 62], [0], list(range(63))):
        some = replace(batch, logit_rows=torch.tensor(rows))
        torch.testing.assert_close(networks[0].forward(some), networks[1].forward(some))


@torch.inference_mode()
def test_only_wanted_rows_go_through_its_feed_forward_block() -> None:
    model: Any = tiny_model("llama")
    network = network_of(model)
    num_rows: list[int] = []

    def note(_: nn.Module, arguments: tuple[Tensor], __: Tensor) -> None:
        num_rows.append(arguments[0].shape[1])

    for layer in model.model.layers:
        assert isinstance(layer, FusedDecoderLayer)
        layer.feed_forward.down.register_forward_hook(note)  # type: ignore[union-attr]
    batch = Sequences().pack([range(20), range(25), range(18)])
    network.forward(replace(batch, logit_rows=torch.tensor([19, 44, 62])))
    assert num_rows == [63, 63, 63, 3]
