"""Which sequences get drafts in a step, and what became of them."""

from antiphon.engine.sequence import Sequence
from antiphon.engine.speculation import SequenceSpeculation


class Speculator:
    """Drafts for the sequences of one engine.

    max_batch  sequences that run at once above which none gets a draft: the step has no time to
               give away then. 0 switches speculation off.
    """

    def __init__(self, max_batch: int = 0) -> None:
        self._max_batch = max_batch
        self.num_draft_tokens = 0
        self.num_accepted_tokens = 0

    def has_time(self, num_running: int) -> bool:
        return 0 < num_running <= self._max_batch

    def draft(self, sequence: Sequence, room: int) -> list[int]:
        """At most `room` tokens, none that would be beyond the sequence's last one.

        A grammar is not asked what it thinks of drafts: its sequences get none.
        """
        room = min(room, sequence.max_len - sequence.num_tokens - 1)
        if room <= 0 or sequence.grammar is not None:
            return []
        if sequence.speculation is None:
            sequence.speculation = SequenceSpeculation()
        return sequence.speculation.draft(sequence.token_ids, room)

    def learn(self, sequence: Sequence, num_draft_tokens: int, num_accepted_tokens: int) -> None:
        assert sequence.speculation is not None, "it has had a draft"
        self.num_draft_tokens += num_draft_tokens
        self.num_accepted_tokens += num_accepted_tokens
        sequence.speculation.learn(num_draft_tokens, num_accepted_tokens, sequence.num_tokens)
