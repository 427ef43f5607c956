"""Who computes what in the next step.

There is no prefill phase and no decode phase: a step brings `num_computed_tokens` of each sequence
up towards its `num_tokens`, within a token budget. A prompt, a chunk of one, one more token, and
recomputing what a preemption threw away are that one case.

Pure Python: knows neither tensors nor the model.
"""

from collections import deque
from typing import NamedTuple

from antiphon.engine.block_manager import BlockManager
from antiphon.engine.outputs import FinishReason
from antiphon.engine.sequence import Sequence, SequenceStatus


class ScheduledSequence(NamedTuple):
    """A sequence and how many tokens of it, from `num_computed_tokens` on, the step computes."""

    sequence: Sequence
    num_scheduled_tokens: int

    @property
    def is_sampled(self) -> bool:
        """Whether the step reaches the last known token, so that the next can be sampled."""
        return self.num_scheduled_tokens == self.sequence.num_missing_tokens


class Scheduler:
    """Waiting and running sequences, first come first served.

    Running sequences that lack one token go first, so that a long prompt never holds up those that
    decode. Out of blocks, the youngest running sequence is preempted: it gives everything back and
    waits to be computed again.

    chunked_prefill  False computes every prompt whole; the budget then has to hold the longest.
    """

    def __init__(
        self,
        blocks: BlockManager,
        *,
        max_num_seqs: int,
        max_num_batched_tokens: int,
        chunked_prefill: bool = True,
    ) -> None:
        self._blocks = blocks
        self._max_num_batched_tokens = max_num_batched_tokens
        self._chunked_prefill = chunked_prefill
        self._free_rows = list(range(max_num_seqs))[::-1]
        self.waiting: deque[Sequence] = deque()
        self.running: list[Sequence] = []
        self.num_preemptions = 0

    def add(self, sequence: Sequence) -> None:
        self.waiting.append(sequence)

    def schedule(self) -> list[ScheduledSequence]:
        """Choose the next step's work and take its blocks. Empty only with nothing to do."""
        step = _Step(budget=self._max_num_batched_tokens)
        num_preemptions = self.num_preemptions
        self._schedule_running(step)
        # Where blocks are short nobody is admitted, least of all the one just preempted.
        if self.num_preemptions == num_preemptions:
            self._schedule_waiting(step)
        return step.entries

    def advance(self, scheduled: list[ScheduledSequence]) -> None:
        """Note that a step's tokens are computed. Comes before the sampled tokens are appended."""
        for sequence, num_tokens in scheduled:
            sequence.num_computed_tokens += num_tokens
            self._blocks.publish(sequence)

    def finish(self, sequence: Sequence, reason: FinishReason) -> None:
        """Take the sequence out, wherever it stands, and give back what it holds."""
        if sequence.status is SequenceStatus.RUNNING:
            self.running.remove(sequence)
            self._release(sequence)
        else:
            self.waiting.remove(sequence)
        sequence.status = SequenceStatus.FINISHED
        sequence.finish_reason = reason

    def _schedule_running(self, step: "_Step") -> None:
        for sequence in sorted(self.running, key=_is_prefilling):
            if sequence.status is not SequenceStatus.RUNNING:
                continue  # preempted for the sake of one before it
            num_tokens = self._num_schedulable(sequence, step)
            if num_tokens > 0 and self._make_room(sequence, num_tokens, step):
                step.take(sequence, num_tokens)

    def _schedule_waiting(self, step: "_Step") -> None:
        while step.budget > 0 and self.waiting and self._free_rows:
            sequence = self.waiting[0]
            num_tokens = self._admit(sequence, step)
            if num_tokens == 0:
                return
            self._blocks.allocate(sequence, sequence.num_computed_tokens + num_tokens)
            step.take(sequence, num_tokens)

    def _num_schedulable(self, sequence: Sequence, step: "_Step") -> int:
        missing = sequence.num_missing_tokens
        return min(missing, step.budget) if self._chunked_prefill or missing <= step.budget else 0

    def _admit(self, sequence: Sequence, step: "_Step") -> int:
        """Start the first waiting sequence if its known tokens fit, reusing what is cached.

        Every running sequence keeps one block to grow into, lest the newcomer be preempted at once.
        Returns how many tokens it may compute in this step; 0 leaves it waiting.
        """
        num_reused = sequence.num_computed_tokens = self._blocks.reuse_prefix(sequence)
        num_needed = self._blocks.num_missing_blocks(sequence, sequence.num_tokens)
        fits = num_needed + len(self.running) <= self._blocks.num_free_blocks
        num_tokens = self._num_schedulable(sequence, step) if fits else 0
        if num_tokens == 0:
            self._blocks.free(sequence)
            sequence.num_computed_tokens = 0
            return 0
        self.waiting.popleft()
        if sequence.num_cached_tokens is None:
            sequence.num_cached_tokens = num_reused
        sequence.row = self._free_rows.pop()
        sequence.status = SequenceStatus.RUNNING
        self.running.append(sequence)
        return num_tokens

    def _make_room(self, sequence: Sequence, num_tokens: int, step: "_Step") -> bool:
        """Take blocks for the next tokens, preempting the youngest; False if that was itself."""
        needed = sequence.num_computed_tokens + num_tokens
        while self._blocks.num_missing_blocks(sequence, needed) > self._blocks.num_free_blocks:
            youngest = max(self.running, key=_arrival)
            self._preempt(youngest)
            step.give_back(youngest)
            if youngest is sequence:
                return False
        self._blocks.allocate(sequence, needed)
        return True

    def _preempt(self, sequence: Sequence) -> None:
        self.running.remove(sequence)
        self._release(sequence)
        sequence.num_computed_tokens = 0
        sequence.status = SequenceStatus.WAITING
        self.waiting.appendleft(sequence)
        self.num_preemptions += 1

    def _release(self, sequence: Sequence) -> None:
        self._blocks.free(sequence)
        assert sequence.row is not None
        self._free_rows.append(sequence.row)
        sequence.row = None


class _Step:
    """A step being put together, and what is left of its token budget."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.entries: list[ScheduledSequence] = []

    def take(self, sequence: Sequence, num_tokens: int) -> None:
        self.entries.append(ScheduledSequence(sequence, num_tokens))
        self.budget -= num_tokens

    def give_back(self, sequence: Sequence) -> None:
        for entry in self.entries:
            if entry.sequence is sequence:
                self.entries.remove(entry)
                self.budget += entry.num_scheduled_tokens
                return


def _is_prefilling(sequence: Sequence) -> bool:
    return sequence.num_missing_tokens > 1


def _arrival(sequence: Sequence) -> int:
    return sequence.sequence_id
