"""The engine's core: add sequences, step, read what came out.

Synchronous and deterministic; no I/O, and no threads but the one that computes grammar masks.
"""

import time
from collections.abc import Callable
from random import Random
from typing import NamedTuple, Protocol

from antiphon.engine.block_manager import BlockManager
from antiphon.engine.grammar import GrammarState, SequenceGrammar
from antiphon.engine.grammar_masks import GrammarMasks
from antiphon.engine.outputs import (
    EngineStats,
    FinishReason,
    SequenceDelta,
    SequenceFailure,
    StepOutput,
)
from antiphon.engine.priority import Priority
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.scheduler import ScheduledSequence, Scheduler
from antiphon.engine.sequence import Sequence
from antiphon.engine.step_sample import RunningStep, StepSample


class ModelRunner(Protocol):
    """Computes a step's tokens and samples.

    Steps are computed in the order in which they are run, also where one is run before the result
    of the last is asked for.
    """

    def run(self, scheduled: list[ScheduledSequence]) -> RunningStep: ...


class _BegunStep(NamedTuple):
    """A step that runs, and what is computed in it."""

    scheduled: list[ScheduledSequence]
    running: RunningStep


class LLMEngine:
    """Scheduler, blocks and runner, stepped by whoever owns it.

    max_sequence_len  tokens of prompt and output that one sequence may reach.
    clock             in seconds; says who waits how long.
    """

    def __init__(
        self,
        blocks: BlockManager,
        scheduler: Scheduler,
        runner: ModelRunner,
        *,
        max_sequence_len: int,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._blocks = blocks
        self._scheduler = scheduler
        self._runner = runner
        self._max_sequence_len = max_sequence_len
        self._seeds = Random(seed)
        self._clock = clock
        self._masks = GrammarMasks()
        self._sequences: dict[int, Sequence] = {}
        self._begun: _BegunStep | None = None

    @property
    def has_unfinished(self) -> bool:
        return bool(self._sequences)

    def add(
        self,
        sequence_id: int,
        prompt_token_ids: list[int],
        params: SamplingParams,
        grammar: SequenceGrammar | None = None,
        *,
        priority: Priority = Priority.DEFAULT,
        cache_salt: str = "",
    ) -> None:
        """Queue a sequence that `EngineCard.check` let through; ids grow with arrival.

        grammar: what `params.grammar` was compiled to.
        """
        assert (grammar is None) == (params.grammar is None), "a grammar is compiled before"
        sequence = Sequence(
            sequence_id,
            prompt_token_ids,
            params,
            params.seed if params.seed is not None else self._seeds.getrandbits(63),
            grammar,
            max_sequence_len=self._max_sequence_len,
            due_at=self._clock() + priority.patience_seconds,
            cache_salt=cache_salt,
        )
        self._sequences[sequence_id] = sequence
        self._scheduler.add(sequence)

    def abort(self, sequence_id: int) -> None:
        """Drop a sequence without another word; one that has already ended is left alone."""
        if sequence_id in self._sequences:
            self._drop(self._sequences[sequence_id], FinishReason.ABORTED)

    def step(self) -> StepOutput:
        """Compute one step: schedule, run, take the sampled tokens, finish what is finished.

        Where the next step needs nothing of that, it is begun before: the device then works while
        this one's tokens are taken.
        """
        step = self._begin()
        self._scheduler.advance(step.scheduled)
        self._begun = self._follow(step)
        sample = step.running.result()
        deltas: list[SequenceDelta] = []
        failures: list[SequenceFailure] = []
        place = 0
        for sequence, _, _, drafts in sample.entries:
            if sequence.finish_reason is not None:
                pass  # it has ended since the step was begun
            elif sequence.grammar is not None and sequence.grammar.state is GrammarState.FAILED:
                failures.append(self._fail(sequence))
            else:
                deltas.append(self._take(sequence, drafts, sample, place))
            place += 1 + len(drafts)
        self._prepare_masks(sample)
        return StepOutput(deltas, failures, self.stats())

    def stats(self) -> EngineStats:
        return EngineStats(
            num_running=len(self._scheduler.running),
            num_waiting=len(self._scheduler.waiting),
            num_blocks=self._blocks.num_blocks,
            num_free_blocks=self._blocks.num_free_blocks,
            num_preemptions=self._scheduler.num_preemptions,
            num_draft_tokens=self._scheduler.speculator.num_draft_tokens,
            num_accepted_tokens=self._scheduler.speculator.num_accepted_tokens,
        )

    def check_integrity(self) -> None:
        """Raise AssertionError when blocks and sequences disagree."""
        self._blocks.check_integrity(self._sequences.values())

    def _begin(self) -> _BegunStep:
        """The next step; one that was begun for nobody who is still there is not waited for."""
        begun, self._begun = self._begun, None
        if begun is not None and any(
            entry.sequence.finish_reason is None for entry in begun.scheduled
        ):
            return begun
        scheduled = self._scheduler.schedule()
        return _BegunStep(scheduled, self._runner.run(scheduled))

    def _follow(self, step: _BegunStep) -> _BegunStep | None:
        """Blocks of a sequence that ends meanwhile may be given away at once.

        Whoever gets them writes to them in a later step, which is computed after this one.
        """
        if not step.running.can_be_followed:
            return None
        scheduled = self._scheduler.follow(step.scheduled)
        return _BegunStep(scheduled, self._runner.run(scheduled)) if scheduled else None

    def _take(
        self, sequence: Sequence, drafts: tuple[int, ...], sample: StepSample, place: int
    ) -> SequenceDelta:
        """Give the sequence what was sampled from `place` on, up to the first wrong draft."""
        num_taken = _append(sequence, drafts, sample.token_ids, place)
        if drafts:
            self._scheduler.accept(sequence, len(drafts), num_taken - 1)
        if sequence.finish_reason is not None:
            self._drop(sequence, sequence.finish_reason)
        return SequenceDelta(
            sequence.sequence_id,
            sample.token_ids[place : place + num_taken],
            sequence.finish_reason,
            sequence.num_cached_tokens or 0,
            sample.logprobs_of(place, num_taken) if sample.logprobs else (),
        )

    def _prepare_masks(self, sample: StepSample) -> None:
        """They are computed beside the next forward pass, and waited for only after it."""
        self._masks.prepare(
            [
                entry.sequence.grammar
                for entry in sample.entries
                if entry.sequence.grammar is not None and entry.sequence.finish_reason is None
            ]
        )

    def _fail(self, sequence: Sequence) -> SequenceFailure:
        assert sequence.grammar is not None, "nothing else fails"
        self._drop(sequence, FinishReason.ABORTED)
        reason = f"The output can't go on within its grammar: {sequence.grammar.failure}"
        return SequenceFailure(sequence.sequence_id, reason)

    def _drop(self, sequence: Sequence, reason: FinishReason) -> None:
        del self._sequences[sequence.sequence_id]
        self._scheduler.finish(sequence, reason)


def _append(sequence: Sequence, drafts: tuple[int, ...], token_ids: list[int], place: int) -> int:
    """Append what was sampled from `place` on, as long as it is what the drafts said.

    Returns how many tokens that are: one more than drafts that were right. A sequence whose grammar
    turned out to be complete has no use for any.
    """
    if sequence.has_complete_grammar:
        sequence.finish_reason = FinishReason.GRAMMAR_END
        return 0
    num_taken = 0
    for draft in drafts:
        token_id = token_ids[place + num_taken]
        sequence.append(token_id)
        num_taken += 1
        if sequence.finish_reason is not None or token_id != draft:
            return num_taken
    sequence.append(token_ids[place + num_taken])
    return num_taken + 1
