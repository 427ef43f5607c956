"""Who computes what in the next step.

A step brings `num_computed_tokens` of each sequence up towards its `num_tokens`, within a token
budget. A prompt, a chunk of one, one more token, a check of drafts, and recomputing what a
preemption threw away are that one case.

Pure Python: knows neither tensors nor the model.
"""

from bisect import insort
from operator import attrgetter
from typing import NamedTuple

from antiphon.engine.block_manager import BlockManager
from antiphon.engine.outputs import FinishReason
from antiphon.engine.prefill_shares import MAX_PREFILLS, prefill_shares, whole_shares
from antiphon.engine.sequence import Sequence, SequenceStatus
from antiphon.engine.speculator import Speculator

_turn = attrgetter("turn")


class ScheduledSequence(NamedTuple):
    """A sequence and how many tokens of it, from `num_computed_tokens` on, the step computes.

    is_sampled       whether the step reaches the last known token, so that the next can be sampled.
    draft_token_ids  computed behind the last known token, and counted: guesses to be checked.
    """

    sequence: Sequence
    num_scheduled_tokens: int
    is_sampled: bool
    draft_token_ids: tuple[int, ...] = ()


class Scheduler:
    """Waiting and running sequences, both served by their `Sequence.turn`.

    Running sequences that lack one token go first, so that a long prompt never holds up those that
    decode; prompts share what they leave of the token budget. Out of blocks, the running sequence
    whose turn is last is preempted: it gives everything back and waits to be computed again.

    chunked_prefill  False computes every prompt whole, the first in line even where it exceeds
                     what is left of the budget.
    """

    def __init__(
        self,
        blocks: BlockManager,
        *,
        max_num_seqs: int,
        max_num_batched_tokens: int,
        chunked_prefill: bool = True,
        speculator: Speculator | None = None,
    ) -> None:
        self._blocks = blocks
        self._max_num_batched_tokens = max_num_batched_tokens
        self._chunked_prefill = chunked_prefill
        self.speculator = speculator or Speculator()
        self._free_rows = list(range(max_num_seqs))[::-1]
        self._refused: tuple[Sequence, int] | None = None
        self.waiting: list[Sequence] = []  # by turn
        self.running: list[Sequence] = []
        self.num_preemptions = 0

    def add(self, sequence: Sequence) -> None:
        insort(self.waiting, sequence, key=_turn)

    def schedule(self) -> list[ScheduledSequence]:
        """Choose the next step's work and take its blocks. Empty only with nothing to do."""
        step = _Step(budget=self._max_num_batched_tokens)
        num_preemptions = self.num_preemptions
        prefills = self._schedule_decodes(step)
        # Where blocks are short nobody is admitted, least of all the one just preempted.
        if self.num_preemptions == num_preemptions:
            self._admit(prefills, step)
        if prefills:
            self._schedule_prefills(prefills, step)
        if self.speculator.has_time(len(self.running)):
            self._add_drafts(step)
        return step.entries

    def follow(self, scheduled: list[ScheduledSequence]) -> list[ScheduledSequence]:
        """The step after one in which everybody decodes, before anybody knows what that samples.

        Comes after `advance`. Only what is sure is scheduled: who is at its end sits out, and whose
        last token turns out to be a stop token has computed one in vain. Empty where a step can be
        put together only with what was sampled, or where somebody could join it.
        """
        running = [
            entry.sequence for entry in scheduled if entry.sequence.status is SequenceStatus.RUNNING
        ]
        could_join = len(running) < len(self.running) or (self.waiting and self._free_rows)
        if could_join or self.speculator.has_time(len(running)):
            return []
        sequences = [one for one in running if one.num_tokens + 1 < one.max_len]
        missing = [
            self._blocks.num_missing_blocks(sequence, sequence.num_computed_tokens + 1)
            for sequence in sequences
        ]
        if sum(missing) > self._blocks.num_free_blocks:
            return []
        for sequence, num_blocks in zip(sequences, missing, strict=True):
            if num_blocks:
                self._blocks.allocate(sequence, sequence.num_computed_tokens + 1)
        return [ScheduledSequence(sequence, 1, True) for sequence in sequences]

    def advance(self, scheduled: list[ScheduledSequence]) -> None:
        """Note that a step's known tokens are computed. Comes before its sampled ones are taken."""
        block_size = self._blocks.block_size
        for sequence, num_tokens, _, drafts in scheduled:
            if sequence.status is not SequenceStatus.RUNNING:
                continue  # it has ended since the step was begun
            sequence.num_computed_tokens += num_tokens - len(drafts)
            if sequence.num_computed_tokens >= (sequence.num_published_blocks + 1) * block_size:
                self._blocks.publish(sequence)

    def accept(self, sequence: Sequence, num_draft_tokens: int, num_accepted_tokens: int) -> None:
        """Note that the first of a step's drafts turned out to be what was sampled, and taken."""
        self.speculator.learn(sequence, num_draft_tokens, num_accepted_tokens)
        sequence.num_computed_tokens += num_accepted_tokens
        self._blocks.publish(sequence)
        # So a draft never costs anybody a block beyond its own step.
        self._blocks.trim(sequence)

    def finish(self, sequence: Sequence, reason: FinishReason) -> None:
        """Take the sequence out, wherever it stands, and give back what it holds."""
        if sequence.status is SequenceStatus.RUNNING:
            self.running.remove(sequence)
            self._release(sequence)
        else:
            self.waiting.remove(sequence)
        sequence.status = SequenceStatus.FINISHED
        sequence.finish_reason = reason

    def _schedule_decodes(self, step: "_Step") -> list[Sequence]:
        """One token for every running sequence that lacks only that. Returns the other ones."""
        prefills: list[Sequence] = []
        block_size = self._blocks.block_size
        for sequence in tuple(self.running):
            num_computed_tokens = sequence.num_computed_tokens
            if len(sequence.token_ids) - num_computed_tokens > 1:
                prefills.append(sequence)
            elif step.budget > 0 and sequence.row is not None:
                has_room = num_computed_tokens < len(sequence.block_table) * block_size
                if has_room or self._make_room(sequence, 1, step):
                    step.entries.append(ScheduledSequence(sequence, 1, True))
                    step.budget -= 1
        # Without a row are those that were preempted for the sake of others.
        return [sequence for sequence in prefills if sequence.row is not None]

    def _admit(self, prefills: list[Sequence], step: "_Step") -> None:
        """Start waiting sequences, first in line first, as long as prompts leave room for more.

        A prompt counts as much as it can use, but no more than one of MAX_PREFILLS equal shares:
        a short one behind a long one need not wait for its end.
        """
        share = max(step.budget // MAX_PREFILLS, 1)
        room = step.budget - sum(min(share, prefill.num_missing_tokens) for prefill in prefills)
        while room > 0 and self.waiting and self._free_rows:
            sequence = self.waiting[0]
            if not self._take_blocks(sequence, prefills):
                return
            del self.waiting[0]
            sequence.row = self._free_rows.pop()
            sequence.status = SequenceStatus.RUNNING
            self.running.append(sequence)
            prefills.append(sequence)
            room -= min(share, sequence.num_missing_tokens)

    def _take_blocks(self, sequence: Sequence, prefills: list[Sequence]) -> bool:
        """Reuse what is cached of the first in line, if all its known tokens fit.

        Blocks are kept for what prompts still lack, and one for every running sequence to grow
        into, lest the newcomer be preempted at once.
        """
        kept = len(self.running) + sum(map(self._num_lacking_blocks, prefills))
        spare = self._blocks.num_free_blocks - kept
        # Looking up a long prompt takes time: not in every step in which nothing has become free.
        if self._refused is not None and self._refused[0] is sequence and spare <= self._refused[1]:
            return False
        num_reused_tokens = self._blocks.reuse_prefix(sequence)
        if self._num_lacking_blocks(sequence) > self._blocks.num_free_blocks - kept:
            self._blocks.free(sequence)
            self._refused = sequence, spare
            return False
        self._refused = None
        sequence.num_computed_tokens = num_reused_tokens
        if sequence.num_cached_tokens is None:
            sequence.num_cached_tokens = num_reused_tokens
        return True

    def _num_lacking_blocks(self, sequence: Sequence) -> int:
        return self._blocks.num_missing_blocks(sequence, sequence.num_tokens)

    def _schedule_prefills(self, prefills: list[Sequence], step: "_Step") -> None:
        prefills.sort(key=_turn)
        missing = [sequence.num_missing_tokens for sequence in prefills]
        divide = prefill_shares if self._chunked_prefill else whole_shares
        for sequence, share in zip(prefills, divide(missing, step.budget), strict=True):
            is_running = sequence.row is not None  # and not preempted for one before it
            if share > 0 and is_running and self._make_room(sequence, share, step):
                is_sampled = share == sequence.num_missing_tokens
                step.take(ScheduledSequence(sequence, share, is_sampled))

    def _add_drafts(self, step: "_Step") -> None:
        """Let sequences that decode check guesses, with what tokens and blocks are left over."""
        block_size = self._blocks.block_size
        for place, (sequence, num_tokens, is_sampled, _) in enumerate(step.entries):
            if num_tokens > 1 or not is_sampled:
                continue
            num_slots = block_size * (len(sequence.block_table) + self._blocks.num_free_blocks)
            room = min(step.budget, num_slots - sequence.num_tokens)
            drafts = self.speculator.draft(sequence, room)
            if drafts:
                self._blocks.allocate(sequence, sequence.num_tokens + len(drafts))
                step.budget -= len(drafts)
                entry = ScheduledSequence(sequence, 1 + len(drafts), True, tuple(drafts))
                step.entries[place] = entry

    def _make_room(self, sequence: Sequence, num_tokens: int, step: "_Step") -> bool:
        """Take blocks for the next tokens, preempting the last in line; False if it was that."""
        needed = sequence.num_computed_tokens + num_tokens
        while self._blocks.num_missing_blocks(sequence, needed) > self._blocks.num_free_blocks:
            last = max(self.running, key=_turn)
            self._preempt(last)
            step.give_back(last)
            if last is sequence:
                return False
        self._blocks.allocate(sequence, needed)
        return True

    def _preempt(self, sequence: Sequence) -> None:
        self.running.remove(sequence)
        self._release(sequence)
        sequence.num_computed_tokens = 0
        sequence.status = SequenceStatus.WAITING
        self.add(sequence)
        self.num_preemptions += 1

    def _release(self, sequence: Sequence) -> None:
        self._blocks.free(sequence)
        assert sequence.row is not None, "it runs"
        self._free_rows.append(sequence.row)
        sequence.row = None


class _Step:
    """A step being put together, and what is left of its token budget."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.entries: list[ScheduledSequence] = []

    def take(self, entry: ScheduledSequence) -> None:
        self.entries.append(entry)
        self.budget -= entry.num_scheduled_tokens

    def give_back(self, sequence: Sequence) -> None:
        for entry in self.entries:
            if entry.sequence is sequence:
                self.entries.remove(entry)
                self.budget += entry.num_scheduled_tokens
                return
