from torch import Tensor

from antiphon.engine.model_runner import NetworkRunner
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.forward_batch import ForwardBatch
from tests.engines import fake_engine
from tests.remembering_network import RememberingNetwork


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
