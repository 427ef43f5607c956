"""Steps that run as captured graphs say what they would say otherwise, token by token."""

from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings

from antiphon.engine.decode_graphs import batch_sizes
from antiphon.engine.graph_runner import GraphRunner
from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.model_runner import NetworkRunner
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.scheduler import ScheduledSequence
from antiphon.engine.step_sample import StepSample
from antiphon.models.progress import ignore_progress
from tests.engine.test_random_engines import ARRIVALS, MEMORY, OPTIONS, Arrival, check
from tests.engines import fake_engine, run, run_each
from tests.recorded_graphs import RecordedGraphs
from tests.remembering_network import RememberingNetwork


class CountingRunner(NetworkRunner):
    """Remembers how many entries each of its steps had."""

    def __init__(self, network: RememberingNetwork, block_size: int) -> None:
        super().__init__(network, block_size)
        self.steps: list[int] = []

    def run(self, scheduled: list[ScheduledSequence]) -> StepSample:
        self.steps.append(len(scheduled))
        return super().run(scheduled)


def graph_runner(
    *, num_blocks: int = 64, block_size: int = 4, max_num_seqs: int = 8, vocab_size: int = 97
) -> tuple[GraphRunner, CountingRunner]:
    """And what takes the steps that it leaves."""
    network = RememberingNetwork(num_blocks, block_size, vocab_size)
    eager = CountingRunner(network, block_size)
    runner = GraphRunner(
        network,
        eager,
        RecordedGraphs(),
        block_size=block_size,
        max_num_seqs=max_num_seqs,
        max_model_len=64,
        progress=ignore_progress,
    )
    return runner, eager


def eager_engine(vocab_size: int = 97) -> LLMEngine:
    runner = NetworkRunner(RememberingNetwork(64, 4, vocab_size), 4)
    return fake_engine(runner, num_blocks=64, block_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(arrivals=ARRIVALS, options=OPTIONS, memory=MEMORY)
def test_whatever_happens_the_tokens_are_those_of_eager_steps(
    arrivals: list[Arrival], options: dict[str, int], memory: int
) -> None:
    def make(*, num_blocks: int, block_size: int, max_num_seqs: int, **others: object) -> LLMEngine:
        sizes = {
            "num_blocks": num_blocks,
            "block_size": block_size,
            "max_num_seqs": max_num_seqs,
        }
        runner, _ = graph_runner(**sizes)
        return fake_engine(runner, **sizes, **others)  # type: ignore[arg-type]

    def alone(arrival: Arrival) -> list[int]:
        params = replace(arrival.params, num_top_logprobs=None)
        return run(eager_engine(), {0: list(arrival.prompt)}, params)[0].token_ids

    check(make, alone, arrivals, options, memory)


EVERY_WAY = [
    SamplingParams(temperature=0),
    SamplingParams(seed=1),
    SamplingParams(temperature=0.3, seed=2),
    SamplingParams(top_k=1, seed=3),
    SamplingParams(top_k=5, seed=4),
    SamplingParams(top_k=128, seed=5),
    SamplingParams(top_k=129, seed=6),
    SamplingParams(top_k=100_000, min_p=0.01, seed=7),
    SamplingParams(top_p=0.6, seed=8),
    SamplingParams(top_p=0.0, seed=9),
    SamplingParams(min_p=0.2, seed=-10),
    SamplingParams(temperature=1.5, top_k=40, top_p=0.9, min_p=0.05, seed=-(2**63)),
    SamplingParams(temperature=1e-300, seed=2**63 - 1),
]


def test_rows_of_every_kind_draw_the_same_tokens_together_as_eager_ones() -> None:
    params = [replace(one, max_tokens=12) for one in EVERY_WAY]
    sequences = {index: ([7, index + 3], one) for index, one in enumerate(params)}
    runner, eager = graph_runner(max_num_seqs=16, vocab_size=600)
    outputs = run_each(fake_engine(runner, max_num_seqs=16), sequences)
    for index, sequence in sequences.items():
        assert outputs[index] == run_each(eager_engine(600), {index: sequence})[index]
    assert len(eager.steps) == 1, "all prompts, and then nothing"


@pytest.mark.parametrize(
    "special",
    [
        SamplingParams(temperature=0, frequency_penalty=0.5, max_tokens=10),
        SamplingParams(temperature=0, logit_bias={4: 2.0}, max_tokens=10),
        SamplingParams(temperature=0.5, seed=3, num_top_logprobs=2, max_tokens=10),
    ],
    ids=["penalty", "bias", "logprobs"],
)
def test_a_row_that_wants_more_than_a_draw_leaves_only_sampling_to_the_eager_runner(
    special: SamplingParams,
) -> None:
    plain = SamplingParams(seed=5, max_tokens=15)
    sequences = {0: ([3, 4, 5], special), 1: ([6, 7], plain)}
    runner, eager = graph_runner()
    outputs = run_each(fake_engine(runner), sequences)
    for index, sequence in sequences.items():
        assert outputs[index] == run_each(eager_engine(), {index: sequence})[index]
    assert eager.steps == [2]


def test_more_rows_than_the_largest_graph_holds_run_as_they_would_without() -> None:
    assert batch_sizes(1) == [1]
    assert batch_sizes(3) == [1, 2, 3]
    assert batch_sizes(20) == [1, 2, 4, 8, 12, 16, 20]
    assert batch_sizes(600)[-2:] == [248, 256]


def test_a_network_that_asks_for_a_number_can_t_be_captured() -> None:
    class Asking(RememberingNetwork):
        def forward(self, batch: object) -> torch.Tensor:
            logits = super().forward(batch)  # type: ignore[arg-type]
            assert logits.max().item() < 100
            return logits

    network = Asking(64, 4)
    with pytest.raises(RuntimeError, match="asks for a number"):
        GraphRunner(
            network,
            NetworkRunner(network, 4),
            RecordedGraphs(),
            block_size=4,
            max_num_seqs=4,
            max_model_len=64,
            progress=ignore_progress,
        )
