from pathlib import Path

from torch import Tensor

from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.model_runner import NetworkRunner
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.device_parts import DeviceParts
from antiphon.models.forward_batch import ForwardBatch
from antiphon.models.fusion.torch_kernels import TorchKernels
from antiphon.models.network import Network
from antiphon.models.sdpa_attention import SdpaAttention
from tests.engines import fake_engine, load_float32, random_prompts, run_each
from tests.remembering_network import RememberingNetwork
from tests.tiny import write_tiny_llama


class ShapedNetwork(RememberingNetwork):
    """Notes the shape of every pass."""

    def __init__(self) -> None:
        super().__init__(num_blocks=64, block_size=4)
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, batch: ForwardBatch) -> Tensor:
        self.shapes.append(tuple(batch.token_ids.shape))
        return super().forward(batch)


def test_prompts_and_decodes_of_one_step_share_a_pass_and_decodes_alone_are_stacked() -> None:
    network = ShapedNetwork()
    engine = fake_engine(NetworkRunner(network, 4), num_blocks=64, block_size=4)
    params = SamplingParams(temperature=0, max_tokens=9)
    engine.add(0, [3, 4, 5], params)
    engine.step()
    engine.add(1, [6, 7, 8, 9, 10], params)
    engine.step()
    engine.step()
    assert network.shapes == [(1, 3), (1, 1 + 5), (2, 1)]


def engine_over(folder: Path, parts: DeviceParts | None) -> LLMEngine:
    network = Network(load_float32(folder), max_state_rows=4, parts=parts)
    network.allocate_kv(65, 4)
    return fake_engine(
        NetworkRunner(network, 4), num_blocks=64, block_size=4, max_num_batched_tokens=32
    )


def test_an_engine_over_torch_alone_says_what_one_over_compiled_loops_says(tmp_path: Path) -> None:
    folder = write_tiny_llama(tmp_path / "llama")
    params = SamplingParams(temperature=0.8, seed=1, max_tokens=12)
    # The longest first: rows that are stacked by their contexts have to find their way back.
    prompts = random_prompts([40, 21, 9, 1], vocab_size=90)
    sequences = {index: (prompt, params) for index, prompt in prompts.items()}
    over_torch = engine_over(folder, DeviceParts(SdpaAttention(), TorchKernels()))
    over_loops = engine_over(folder, None)
    assert run_each(over_torch, sequences) == run_each(over_loops, sequences)
