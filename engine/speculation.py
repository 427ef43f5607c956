"""Guesses at what sequences say next: whatever followed when they last said the same words.

A guess costs little where it is wrong and saves steps where it is right, as in code that is edited
or texts that are quoted. No sampled token depends on any guess.
Source: prompt lookup decoding (Saxena, 2023); SuffixDecoding (Oliaro et al., 2024) for its
adaptive lengths.
"""

MAX_DRAFT_TOKENS = 8
# What has to repeat itself before it counts as a repetition: long if possible, then short.
NGRAM_SIZES = (5, 3)
# Bounds what a step spends on the index of a long prompt: 1 ms.
MAX_INDEXED_TOKENS = 2048

FIRST_ACCEPTANCE = 0.5
LEAST_ACCEPTANCE = 0.2  # below it, guessing costs more than it saves
LEARNING_RATE = 0.25
PROBE_INTERVAL = 32  # tokens until a sequence that is hard to guess is tried again
NUM_PROBED_TOKENS = 2


class NgramIndex:
    """Where each n-gram of a growing text was last followed by something."""

    def __init__(self) -> None:
        # By hash: a collision makes a bad guess, and those are expected.
        self._ends: dict[int, int] = {}
        self._num_indexed = 0

    def follow(self, token_ids: list[int], count: int) -> list[int]:
        """What followed the text's last words when they came before; at most `count` tokens.

        Empty where they never did, or while the index of a long text is still being made. A
        repetition that reaches into the text's end goes on repeating.
        """
        if not self._catch_up(token_ids):
            return []
        for size in NGRAM_SIZES:
            end = self._ends.get(hash(tuple(token_ids[-size:])))
            if end is not None:
                period = token_ids[end : end + count]
                return (period * -(-count // len(period)))[:count]
        return []

    def _catch_up(self, token_ids: list[int]) -> bool:
        """Whether the index is complete: all but the last n-gram, which nothing follows yet."""
        start = self._num_indexed + 1
        end = min(len(token_ids), start + MAX_INDEXED_TOKENS)
        for size in NGRAM_SIZES:
            for position in range(max(start, size), end):
                self._ends[hash(tuple(token_ids[position - size : position]))] = position
        self._num_indexed = max(end - 1, 0)
        return end == len(token_ids)


class SequenceSpeculation:
    """One sequence's drafts: the better they were, the longer they get."""

    def __init__(self) -> None:
        self._index = NgramIndex()
        self._acceptance = FIRST_ACCEPTANCE
        self._next_probe = 0  # in tokens of the sequence

    def draft(self, token_ids: list[int], room: int) -> list[int]:
        """At most `room` tokens that may follow."""
        count = min(self._draft_len(len(token_ids)), room)
        return self._index.follow(token_ids, count) if count > 0 else []

    def learn(self, num_draft_tokens: int, num_accepted_tokens: int, num_tokens: int) -> None:
        """What became of a draft, and the length of its sequence now."""
        share = num_accepted_tokens / num_draft_tokens
        self._acceptance += LEARNING_RATE * (share - self._acceptance)
        self._next_probe = num_tokens + PROBE_INTERVAL

    def _draft_len(self, num_tokens: int) -> int:
        if self._acceptance >= LEAST_ACCEPTANCE:
            return max(1, round(MAX_DRAFT_TOKENS * self._acceptance))
        return NUM_PROBED_TOKENS if num_tokens >= self._next_probe else 0
