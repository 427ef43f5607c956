"""The engine's core: add sequences, step, read what came out.

Synchronous and deterministic; no I/O, and no threads but the one that computes grammar masks.
"""

from random import Random
from typing import Protocol

from antiphon.engine.block_manager import BlockManager
from antiphon.engine.grammar import GrammarState, SequenceGrammar
from antiphon.engine.grammar_masks import GrammarMasks
from antiphon.engine.outputs import (
    EngineStats,
    FinishReason,
    SampledToken,
    SequenceDelta,
    SequenceFailure,
    StepOutput,
)
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.scheduler import ScheduledSequence, Scheduler
from antiphon.engine.sequence import Sequence


class ModelRunner(Protocol):
    """Computes a step's tokens and samples."""

    def run(self, scheduled: list[ScheduledSequence]) -> list[SampledToken]:
        """Returns one token for each entry that `is_sampled`, in their order."""
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
        self._masks = GrammarMasks()
        self._sequences: dict[int, Sequence] = {}

    @property
    def has_unfinished(self) -> bool:
        return bool(self._sequences)

    def add(
        self,
        sequence_id: int,
        prompt_token_ids: list[int],
        params: SamplingParams,
        grammar: SequenceGrammar | None = None,
    ) -> None:
        """Queue a sequence that `EngineCard.check` let through; ids grow with arrival.

        grammar: what `params.grammar` was compiled to.
        """
        assert (grammar is None) == (params.grammar is None), "a grammar is compiled before"
        seed = params.seed if params.seed is not None else self._seeds.getrandbits(63)
        sequence = Sequence(sequence_id, prompt_token_ids, params, seed, grammar)
        self._sequences[sequence_id] = sequence
        self._scheduler.add(sequence)

    def abort(self, sequence_id: int) -> None:
        """Drop a sequence without another word; one that has already ended is left alone."""
        if sequence_id in self._sequences:
            self._drop(self._sequences[sequence_id], FinishReason.ABORTED)

    def step(self) -> StepOutput:
        """Compute one step: schedule, run, take the sampled tokens, finish what is finished."""
        scheduled = self._scheduler.schedule()
        sampled = [entry.sequence for entry in scheduled if entry.is_sampled]
        tokens = self._runner.run(scheduled)
        self._scheduler.advance(scheduled)
        failures = [self._fail(sequence) for sequence in sampled if _has_failed(sequence)]
        deltas = [
            self._take(sequence, token)
            for sequence, token in zip(sampled, tokens, strict=True)
            if sequence.sequence_id in self._sequences
        ]
        # Computed beside the next forward pass, and waited for only once that is through.
        self._masks.prepare(
            [
                sequence.grammar
                for sequence in sampled
                if sequence.grammar is not None and sequence.finish_reason is None
            ]
        )
        return StepOutput(deltas, failures, self.stats())

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

    def _take(self, sequence: Sequence, token: SampledToken) -> SequenceDelta:
        """A sequence whose grammar turned out to be complete has no use for the token."""
        tokens = [] if sequence.has_complete_grammar else [token]
        if tokens:
            sequence.append(token.token_id, self._max_sequence_len)
        else:
            sequence.finish_reason = FinishReason.GRAMMAR_END
        if sequence.finish_reason is not None:
            self._drop(sequence, sequence.finish_reason)
        return SequenceDelta(
            sequence.sequence_id,
            [token.token_id for token in tokens],
            sequence.finish_reason,
            sequence.num_cached_tokens or 0,
            tuple(token.logprobs for token in tokens if token.logprobs is not None),
        )

    def _fail(self, sequence: Sequence) -> SequenceFailure:
        assert sequence.grammar is not None, "nothing else fails"
        self._drop(sequence, FinishReason.ABORTED)
        reason = f"The output can't go on within its grammar: {sequence.grammar.failure}"
        return SequenceFailure(sequence.sequence_id, reason)

    def _drop(self, sequence: Sequence, reason: FinishReason) -> None:
        del self._sequences[sequence.sequence_id]
        self._scheduler.finish(sequence, reason)


def _has_failed(sequence: Sequence) -> bool:
    return sequence.grammar is not None and sequence.grammar.state is GrammarState.FAILED
