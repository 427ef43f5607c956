"""An engine over our own kernels, from prompts to drafts, says what one over torch's SDPA says."""

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from antiphon.engine.graph_runner import GraphRunner
from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.model_runner import NetworkRunner
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.device_parts import DeviceParts
from antiphon.models.fusion.torch_kernels import TorchKernels
from antiphon.models.fusion.triton_kernels import TritonKernels
from antiphon.models.kernels.attention_tile import Gpu
from antiphon.models.network import Network
from antiphon.models.progress import ignore_progress
from antiphon.models.sdpa_attention import SdpaAttention
from antiphon.models.triton_attention import TritonAttention
from tests.engines import fake_engine, load_float32, run_each
from tests.recorded_graphs import EagerGraphs
from tests.tiny import write_tiny_llama

pytestmark = [
    pytest.mark.slow,  # Triton's interpreter is
    pytest.mark.skipif(torch.cuda.is_available(), reason="tests/gpu runs the kernels on the GPU"),
]

SIZES = {"num_blocks": 32, "block_size": 4, "max_num_seqs": 4}
SEQUENCES = {
    0: ([3, 4, 5] * 4, SamplingParams(temperature=0, max_tokens=5)),
    1: (list(range(20, 41)), SamplingParams(temperature=0.8, top_k=20, seed=1, max_tokens=5)),
    2: ([9], SamplingParams(temperature=0, max_tokens=4)),
    # It repeats itself, at times: some of its drafts are right.
    3: ([7, 8] * 5, SamplingParams(seed=2, logit_bias={7: 9.0, 8: 9.0}, max_tokens=10)),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_llama(tmp_path / "llama", num_hidden_layers=1)


def over(parts: DeviceParts, model: PreTrainedModel) -> Network:
    network = Network(model, max_state_rows=4, parts=parts)
    network.allocate_kv(SIZES["num_blocks"] + 1, SIZES["block_size"])
    return network


def over_triton(model: PreTrainedModel) -> Network:
    attention = TritonAttention(Gpu(num_processors=4, shared_memory_bytes=227 * 2**10), varlen=None)
    return over(DeviceParts(attention, TritonKernels()), model)


def engine_of(network: Network, runner: GraphRunner | None = None) -> LLMEngine:
    return fake_engine(
        runner or NetworkRunner(network, SIZES["block_size"]),
        num_blocks=SIZES["num_blocks"],
        block_size=SIZES["block_size"],
        max_num_seqs=SIZES["max_num_seqs"],
        max_num_batched_tokens=16,
        speculation_max_batch=0 if runner else 4,
    )


def test_prompts_chunks_drafts_and_decoding_say_what_sdpa_says(folder: Path) -> None:
    ours = engine_of(over_triton(load_float32(folder)))
    reference = engine_of(over(DeviceParts(SdpaAttention(), TorchKernels()), load_float32(folder)))
    assert run_each(ours, SEQUENCES) == run_each(reference, SEQUENCES)
    assert ours.stats().num_draft_tokens > 0


def test_a_network_of_our_kernels_says_the_same_in_graphs(folder: Path) -> None:
    network = over_triton(load_float32(folder))
    runner = GraphRunner(
        network,
        NetworkRunner(network, SIZES["block_size"]),
        EagerGraphs(),
        block_size=SIZES["block_size"],
        max_num_seqs=SIZES["max_num_seqs"],
        max_model_len=32,
        progress=ignore_progress,
    )
    reference = engine_of(over(DeviceParts(SdpaAttention(), TorchKernels()), load_float32(folder)))
    assert run_each(engine_of(network, runner), SEQUENCES) == run_each(reference, SEQUENCES)
