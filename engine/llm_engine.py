"""The engine's core: add sequences, step, read what came out.

Synchronous and deterministic; no threads, no I/O.
"""

from random import Random
from typing import Protocol

from antiphon.engine.block_manager import BlockManager
from antiphon.engine.outputs import EngineStats, FinishReason, SequenceDelta, StepOutput
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.scheduler import ScheduledSequence, Scheduler
from antiphon.engine.sequence import Sequence


class ModelRunner(Protocol):
    """Computes a step's tokens and samples."""

    def run(self, scheduled: list[ScheduledSequence]) -> list[int]:
        """Returns one token id for each entry that `is_sampled`, in their order."""
        ...


class LLMEngine:
    """Scheduler, blocks and runner, stepped by whoever owns it.

    max_sequence_len  tokens of prompt and output that one sequence may reach.
    """

    def __init__(
        self,
        blocks: BlockManager,
        scheduler: Scheduler,
        runner: ModelRunner,
        *,
        max_sequence_len: int,
        seed: int = 0,
    ) -> None:
        self._blocks = blocks
        self._scheduler = scheduler
        self._runner = runner
        self._max_sequence_len = max_sequence_len
        self._seeds = Random(seed)
        self._sequences: dict[int, Sequence] = {}

    @property
    def has_unfinished(self) -> bool:
        return bool(self._sequences)

    def add(self, sequence_id: int, prompt_token_ids: list[int], params: SamplingParams) -> None:
        """Queue a sequence that `EngineCard.check` let through; ids grow with arrival."""
        seed = params.seed if params.seed is not None else self._seeds.getrandbits(63)
        sequence = Sequence(sequence_id, prompt_token_ids, params, seed)
        self._sequences[sequence_id] = sequence
        self._scheduler.add(sequence)

    def abort(self, sequence_id: int) -> None:
        """Drop a sequence without another word; one that has already ended is left alone."""
        sequence = self._sequences.pop(sequence_id, None)
        if sequence is not None:
            self._scheduler.finish(sequence, FinishReason.ABORTED)

    def step(self) -> StepOutput:
        """Compute one step: schedule, run, take the sampled tokens, finish what is finished."""
        scheduled = self._scheduler.schedule()
        sampled = [entry.sequence for entry in scheduled if entry.is_sampled]
        token_ids = self._runner.run(scheduled)
        self._scheduler.advance(scheduled)
        deltas = [
            self._take(sequence, token_id)
            for sequence, token_id in zip(sampled, token_ids, strict=True)
        ]
        return StepOutput(deltas, self.stats())

    def stats(self) -> EngineStats:
        return EngineStats(
            num_running=len(self._scheduler.running),
            num_waiting=len(self._scheduler.waiting),
            num_blocks=self._blocks.num_blocks,
            num_free_blocks=self._blocks.num_free_blocks,
            num_preemptions=self._scheduler.num_preemptions,
        )

    def check_integrity(self) -> None:
        """Raise AssertionError when blocks and sequences disagree."""
        self._blocks.check_integrity(self._sequences.values())

    def _take(self, sequence: Sequence, token_id: int) -> SequenceDelta:
        sequence.append(token_id, self._max_sequence_len)
        if sequence.finish_reason is not None:
            del self._sequences[sequence.sequence_id]
            self._scheduler.finish(sequence, sequence.finish_reason)
        return SequenceDelta(
            sequence.sequence_id,
            [token_id],
            sequence.finish_reason,
            sequence.num_cached_tokens or 0,
        )
