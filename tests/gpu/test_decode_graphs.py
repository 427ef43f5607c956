"""On a GPU captured graphs say what eager steps say, and so does everything around them."""

import copy
from dataclasses import replace

import pytest
import torch
from transformers import PreTrainedModel

from antiphon.engine.graph_runner import GraphRunner
from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.model_runner import NetworkRunner
from antiphon.engine.step_graph import CudaGraphs
from antiphon.models.network import Network
from antiphon.models.progress import ignore_progress
from tests.engine.test_graph_runner import EVERY_WAY
from tests.engines import fake_engine, load_float32, network_engine, random_prompts, run_each
from tests.tiny import write_tiny_llama

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here"),
]

MAX_NUM_SEQS = 16


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, cuda: torch.device) -> PreTrainedModel:
    return load_float32(write_tiny_llama(tmp_path_factory.mktemp("tiny") / "llama"), cuda)


def graph_engine(model: PreTrainedModel, *, num_blocks: int) -> LLMEngine:
    network = Network(copy.deepcopy(model), max_state_rows=MAX_NUM_SEQS)
    network.allocate_kv(num_blocks + 1, 4)
    runner = GraphRunner(
        network,
        NetworkRunner(network, 4),
        CudaGraphs(network.device),
        block_size=4,
        max_num_seqs=MAX_NUM_SEQS,
        max_model_len=256,
        progress=ignore_progress,
    )
    return fake_engine(runner, num_blocks=num_blocks, max_num_seqs=MAX_NUM_SEQS)


@pytest.mark.parametrize("num_blocks", [256, 48], ids=["room for all", "with preemption"])
def test_rows_of_every_kind_say_in_graphs_what_they_say_without(
    num_blocks: int, model: PreTrainedModel
) -> None:
    lengths = [3 * index + 1 for index in range(len(EVERY_WAY))]
    prompts = random_prompts(lengths, vocab_size=500)
    sequences = {
        index: (prompts[index], replace(params, max_tokens=30))
        for index, params in enumerate(EVERY_WAY)
    }
    reference = network_engine(model, max_num_seqs=MAX_NUM_SEQS)
    expected = run_each(reference, sequences)
    outputs = run_each(graph_engine(model, num_blocks=num_blocks), sequences)
    for index in sequences:
        assert outputs[index].token_ids == expected[index].token_ids, EVERY_WAY[index]
