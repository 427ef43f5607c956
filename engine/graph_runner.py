"""Runs steps in which everybody decodes as captured graphs, and all others as they come."""

import logging
from dataclasses import dataclass

import torch

from antiphon.engine.batches import is_decode
from antiphon.engine.config import EngineConfig
from antiphon.engine.decode_graphs import DecodeGraphs
from antiphon.engine.device_rows import DeviceRows
from antiphon.engine.generation import EngineCard
from antiphon.engine.llm_engine import ModelRunner
from antiphon.engine.model_runner import Forward, NetworkRunner
from antiphon.engine.pending_tokens import PendingTokens
from antiphon.engine.scheduler import ScheduledSequence
from antiphon.engine.step_graph import CudaGraphs, StepGraphs
from antiphon.engine.step_sample import RunningStep, StepSample
from antiphon.engine.token_draw import Way, ways_of
from antiphon.models.network import Network
from antiphon.models.progress import Progress

EAGER_FLAGS = ("is_adjusted", "has_grammar", "wants_logprobs")


class GraphRunner:
    """Keeps the `ModelRunner` protocol over an eager runner, which takes what graphs don't serve.

    Where a row wants more than a draw (penalties, a grammar, log probabilities), only the network
    runs as a graph, and the step is sampled as any other.

    Raises RuntimeError where the network can't be captured.
    """

    def __init__(
        self,
        network: Forward,
        eager: NetworkRunner,
        graphs: StepGraphs,
        *,
        block_size: int,
        max_num_seqs: int,
        max_model_len: int,
        progress: Progress,
    ) -> None:
        self._eager = eager
        self._state = DeviceRows(
            eager.rows,
            num_rows=max_num_seqs,
            max_num_blocks=-(-max_model_len // block_size),
            device=network.device,
        )
        self._graphs = DecodeGraphs(network, self._state, block_size)
        self._graphs.capture(graphs, progress)

    @torch.inference_mode()
    def run(self, scheduled: list[ScheduledSequence]) -> RunningStep:
        size = self._graphs.size_for(len(scheduled))
        if size is None or not scheduled or not all(map(is_decode, scheduled)):
            return self._eager.run(scheduled)
        rows = self._state.update([entry.sequence for entry in scheduled], size)
        self._graphs.forward(size)
        sampling = self._eager.rows.sampling[rows]
        if any(sampling[flag].any() for flag in EAGER_FLAGS):
            self._state.forget(rows)
            return self._eager.choose(self._graphs.logits[: len(rows)], scheduled)
        self._graphs.sample(size, Way(ways_of(sampling).max()))
        self._state.advance(rows)
        return GraphStep(scheduled, PendingTokens.of(self._graphs.sampled[: len(rows)]))


@dataclass(frozen=True, slots=True)
class GraphStep:
    """A step whose tokens the device keeps for the next one; keeps the `RunningStep` protocol."""

    scheduled: list[ScheduledSequence]
    tokens: PendingTokens

    @property
    def can_be_followed(self) -> bool:
        return True

    def result(self) -> StepSample:
        return StepSample(self.scheduled, self.tokens.wait(), {})


def make_runner(
    network: Network, card: EngineCard, config: EngineConfig, progress: Progress
) -> ModelRunner:
    """Graphs on CUDA, as far as the network allows; everything eager elsewhere.

    A hybrid model's states are not kept where a graph would find them.
    """
    eager = NetworkRunner(network, card.block_size)
    has_tables = network.device.type == "cuda" and network.needs_tables
    if config.enforce_eager or network.has_state or not has_tables:
        return eager
    try:
        return GraphRunner(
            network,
            eager,
            CudaGraphs(network.device),
            block_size=card.block_size,
            max_num_seqs=card.max_num_seqs,
            max_model_len=card.max_model_len,
            progress=progress,
        )
    except RuntimeError as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        logging.getLogger("antiphon.engine").warning("Decoding without graphs: %s", reason)
        return eager
