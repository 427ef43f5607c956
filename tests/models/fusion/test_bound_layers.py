"""Decoder layers whose kernels run in one call give what they give one by one."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from antiphon.models.cpu_kernels.addition import add
from antiphon.models.cpu_kernels.bound_kernels import BoundKernel, BoundKernels
from antiphon.models.cpu_kernels.registers import REGISTERS
from antiphon.models.cpu_layout import CpuLinear
from antiphon.models.device_parts import DeviceParts
from antiphon.models.fusion.decoder_layer import FusedDecoderLayer
from antiphon.models.fusion.panel_linear import Int8Linear
from antiphon.models.network import Network
from tests.models.fusion.test_swaps import LAYERS, tiny_model
from tests.models.test_attention_backends import (
    BLOCK_SIZE,
    BLOCKS_PER_SEQUENCE,
    NUM_SEQUENCES,
    Sequences,
)

BYTES = sorted({False, REGISTERS.has_dots})
# A bias, norms of heads, windows, another gate, layers without positions.
MODEL_TYPES = ("llama", "qwen2", "qwen3", "mistral", "ministral", "gemma", "smollm3")


def network_of(
    model: PreTrainedModel, *, binds: bool, quantized: CpuLinear | None = None
) -> Network:
    parts = DeviceParts.of(torch.device("cpu"), torch.float32)
    parts = parts if binds else replace(parts, bind=None)
    network = Network(
        copy.deepcopy(model), max_state_rows=NUM_SEQUENCES, parts=parts, quantized=quantized
    )
    network.allocate_kv(1 + NUM_SEQUENCES * BLOCKS_PER_SEQUENCE, BLOCK_SIZE)
    return network


def bound_layers(model: nn.Module) -> int:
    network = Network(model, max_state_rows=NUM_SEQUENCES)  # type: ignore[arg-type]
    network.allocate_kv(2, BLOCK_SIZE)
    return sum(
        isinstance(module, FusedDecoderLayer) and module.bound is not None
        for module in model.modules()
    )


@torch.inference_mode()
def check(model: PreTrainedModel, quantized: CpuLinear | None = None) -> None:
    """Over decoding, drafts and short chunks, shapes of passes in turn; all bits."""
    bound = network_of(model, binds=True, quantized=quantized)
    unbound = network_of(model, binds=False, quantized=quantized)
    sequences = Sequences()
    for batch in (
        sequences.pack([range(6), range(13), range(12)]),
        sequences.stack([7, 14, 13]),
        sequences.stack([8, 15, 14]),
        sequences.pack([range(8, 11), range(15, 16), range(14, 19)]),
        sequences.stack([12, 17, 20]),
        sequences.pack([range(12, 14), range(0), range(0)]),
        sequences.pack([range(14, 15), range(17, 18), range(20, 28)]),
        sequences.pack([range(4, 22), range(17, 18), range(12, 28)]),
        sequences.stack([23, 18, 29]),
    ):
        assert torch.equal(bound.forward(batch), unbound.forward(batch))


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_bound_layers_give_every_bit_of_the_others(model_type: str) -> None:
    assert bound_layers(tiny_model(model_type)) == LAYERS
    check(tiny_model(model_type))


@pytest.mark.parametrize("has_dots", BYTES)
def test_bound_layers_of_8_bits_give_every_bit_of_the_others(has_dots: bool) -> None:
    class Linear(Int8Linear):
        def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
            super().__init__(weight, bias, has_dots=has_dots)

    check(tiny_model("llama"), Linear)


@pytest.mark.parametrize("model_type", ["phi3", "gemma2", "mixtral"])
def test_layers_of_other_shapes_stay_as_they_are(model_type: str) -> None:
    assert bound_layers(tiny_model(model_type)) == 0


def test_a_bias_that_no_kernel_adds_keeps_a_layer_from_being_bound() -> None:
    assert bound_layers(tiny_model("llama", mlp_bias=True)) == 0


@torch.inference_mode()
def test_more_shapes_than_are_remembered_come_and_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("antiphon.models.fusion.pass_arrays.MAX_SHAPES", 3)
    model = tiny_model("llama")
    bound, unbound = network_of(model, binds=True), network_of(model, binds=False)
    sequences = Sequences()
    for _ in range(2):
        for length in (1, 2, 3, 5, 8, 9, 16):
            batch = sequences.pack([range(length), range(0), range(0)])
            assert torch.equal(bound.forward(batch), unbound.forward(batch))


@torch.inference_mode()
def test_what_is_no_number_stays_out_of_the_padding_of_a_later_pass() -> None:
    model: Any = tiny_model("llama")
    network = Network(model, max_state_rows=NUM_SEQUENCES)
    network.allocate_kv(1 + NUM_SEQUENCES * BLOCKS_PER_SEQUENCE, BLOCK_SIZE)
    batch = Sequences().pack([range(3), range(2), range(0)])
    numbers = model.model.embed_tokens.weight
    numbers[batch.token_ids[0, -1]] = torch.nan
    network.forward(batch)
    network.forward(replace(batch, token_ids=torch.zeros_like(batch.token_ids)))
    null_block = model.model.layers[0].attention.layer.kv.keys.blocks[0]
    assert null_block.isfinite().all()


@torch.inference_mode()
def test_a_new_kv_cache_is_read_and_not_the_old_one() -> None:
    bound, unbound = (network_of(tiny_model("llama"), binds=binds) for binds in (True, False))
    sequences = Sequences()
    bound.forward(sequences.stack([1, 1, 1]))
    for network in (bound, unbound):
        network.allocate_kv(1 + NUM_SEQUENCES * BLOCKS_PER_SEQUENCE, BLOCK_SIZE)
        network.forward(sequences.pack([range(20), range(18), range(17)]))
    batch = sequences.stack([21, 19, 18])
    assert torch.equal(bound.forward(batch), unbound.forward(batch))


def test_bound_kernels_read_what_is_in_their_arrays_when_they_run() -> None:
    left, right, total, twice = (np.ones((3, 5), np.float32) for _ in range(4))
    kernels = BoundKernels(
        [BoundKernel(add, left, right, total), BoundKernel(add, total, total, twice)]
    )
    for number in (1, 7):
        left[:] = number
        kernels.run()
        assert (twice == 2 * (number + 1)).all()


def test_a_kernel_can_t_be_bound_to_arrays_of_other_types() -> None:
    rows = np.ones((3, 5), np.float32)
    with pytest.raises(TypeError):
        BoundKernel(add, rows, rows.astype(np.float64), rows)
