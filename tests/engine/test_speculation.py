"""What sequences are guessed to say next, and how much is guessed."""

from hypothesis import given
from hypothesis import strategies as st

from antiphon.engine.speculation import (
    MAX_DRAFT_TOKENS,
    MAX_INDEXED_TOKENS,
    NUM_PROBED_TOKENS,
    PROBE_INTERVAL,
    NgramIndex,
    SequenceSpeculation,
)

TEXT = [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_what_followed_the_same_words_is_guessed_to_follow_again() -> None:
    assert NgramIndex().follow([*TEXT, 3, 4, 5], 3) == [6, 7, 8]


def test_the_latest_of_several_continuations_is_taken() -> None:
    assert NgramIndex().follow([1, 2, 3, 40, 1, 2, 3, 50, 60, 1, 2, 3], 2) == [50, 60]


def test_a_longer_repetition_counts_more_than_a_later_one() -> None:
    token_ids = [1, 2, 3, 4, 5, 60, 9, 3, 4, 5, 70, 8, 1, 2, 3, 4, 5]
    assert NgramIndex().follow(token_ids, 1) == [60]


def test_a_text_without_repetition_has_no_guess() -> None:
    assert NgramIndex().follow(list(range(50)), 8) == []


def test_a_repetition_that_reaches_into_the_end_goes_on() -> None:
    assert NgramIndex().follow([7, 1, 2, 1, 2, 1, 2], 5) == [1, 2, 1, 2, 1]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(1, 59))
def test_an_index_that_grew_equals_one_made_at_once(token_ids: list[int], cut: int) -> None:
    grown = NgramIndex()
    grown.follow(token_ids[:cut], 8)
    assert grown.follow(token_ids, 8) == NgramIndex().follow(token_ids, 8)


def test_a_long_text_is_indexed_over_several_steps() -> None:
    token_ids = [*TEXT, *range(100, 100 + 2 * MAX_INDEXED_TOKENS), 3, 4, 5]
    index = NgramIndex()
    assert [index.follow(token_ids, 2) for _ in range(3)] == [[], [], [6, 7]]


def repeating(num_tokens: int) -> list[int]:
    return [place % 7 for place in range(num_tokens)]


def test_drafts_get_longer_while_they_are_right_and_end_when_they_are_wrong() -> None:
    speculation = SequenceSpeculation()
    for num_tokens in range(20, 40):
        draft = speculation.draft(repeating(num_tokens), room=100)
        speculation.learn(len(draft), len(draft), num_tokens)
    assert len(speculation.draft(repeating(40), room=100)) == MAX_DRAFT_TOKENS
    for num_tokens in range(40, 60):
        draft = speculation.draft(repeating(num_tokens), room=100)
        if draft:
            speculation.learn(len(draft), 0, num_tokens)
    assert speculation.draft(repeating(60), room=100) == []


def test_a_sequence_that_is_hard_to_guess_is_tried_again_later() -> None:
    speculation = SequenceSpeculation()
    num_tokens = 20
    while draft := speculation.draft(repeating(num_tokens), room=100):
        speculation.learn(len(draft), 0, num_tokens)
    lengths = [
        len(speculation.draft(repeating(num_tokens + later), room=100))
        for later in range(PROBE_INTERVAL + 1)
    ]
    assert lengths == [0] * PROBE_INTERVAL + [NUM_PROBED_TOKENS]
    speculation.learn(NUM_PROBED_TOKENS, NUM_PROBED_TOKENS, num_tokens + PROBE_INTERVAL)
    assert speculation.draft(repeating(num_tokens + PROBE_INTERVAL + 1), room=100)


def test_no_draft_is_longer_than_its_room() -> None:
    assert len(SequenceSpeculation().draft(repeating(30), room=2)) == 2
    assert SequenceSpeculation().draft(repeating(30), room=0) == []
