import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.engine.block_manager import BlockManager
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.sequence import Sequence


def sequence_of(token_ids: list[int], sequence_id: int = 0, cache_salt: str = "") -> Sequence:
    return Sequence(sequence_id, token_ids, SamplingParams(), seed=0, cache_salt=cache_salt)


def compute_all(blocks: BlockManager, sequence: Sequence) -> None:
    """What a prefill does: hold blocks for every token, compute them, publish the full ones."""
    sequence.num_computed_tokens = blocks.reuse_prefix(sequence)
    blocks.allocate(sequence, sequence.num_tokens)
    sequence.num_computed_tokens = sequence.num_tokens
    blocks.publish(sequence)


def test_a_sequence_holds_as_many_blocks_as_its_tokens_fill() -> None:
    blocks = BlockManager(num_blocks=8, block_size=4)
    sequence = sequence_of(list(range(9)))
    blocks.allocate(sequence, 8)
    assert len(sequence.block_table) == 2
    blocks.allocate(sequence, 9)
    assert len(sequence.block_table) == 3
    assert blocks.num_free_blocks == 5


def test_the_null_block_is_never_handed_out() -> None:
    blocks = BlockManager(num_blocks=3, block_size=2)
    sequence = sequence_of([1] * 6)
    blocks.allocate(sequence, 6)
    assert sorted(sequence.block_table) == [1, 2, 3]


def test_a_freed_prefix_is_found_again() -> None:
    blocks = BlockManager(num_blocks=8, block_size=4)
    first = sequence_of([1, 2, 3, 4, 5, 6, 7, 8, 9])
    compute_all(blocks, first)
    table = list(first.block_table)
    blocks.free(first)

    second = sequence_of([1, 2, 3, 4, 5, 6, 7, 8, 70, 80])
    assert blocks.reuse_prefix(second) == 8
    assert second.block_table == table[:2]
    blocks.check_integrity([second])


def test_the_last_token_is_always_left_to_compute() -> None:
    blocks = BlockManager(num_blocks=8, block_size=4)
    compute_all(blocks, sequence_of([1, 2, 3, 4, 5, 6, 7, 8]))
    assert blocks.reuse_prefix(sequence_of([1, 2, 3, 4, 5, 6, 7, 8], sequence_id=1)) == 4


def test_running_sequences_share_their_common_prefix() -> None:
    blocks = BlockManager(num_blocks=8, block_size=4)
    first, second = sequence_of([1, 2, 3, 4, 5]), sequence_of([1, 2, 3, 4, 6], sequence_id=1)
    compute_all(blocks, first)
    compute_all(blocks, second)
    assert first.block_table[0] == second.block_table[0]
    assert first.block_table[1] != second.block_table[1]
    blocks.free(first)
    blocks.check_integrity([second])
    assert blocks.num_free_blocks == 6


def test_equal_tokens_after_another_beginning_are_not_the_same_block() -> None:
    blocks = BlockManager(num_blocks=8, block_size=2)
    compute_all(blocks, sequence_of([1, 2, 7, 7, 9]))
    assert blocks.reuse_prefix(sequence_of([3, 4, 7, 7, 9], sequence_id=1)) == 0


def test_the_least_recently_freed_block_is_forgotten_first() -> None:
    blocks = BlockManager(num_blocks=3, block_size=2)
    old, young = sequence_of([1, 2]), sequence_of([3, 4], sequence_id=1)
    for sequence in (old, young):
        compute_all(blocks, sequence)
        blocks.free(sequence)
    blocks.allocate(
        sequence_of([5, 6, 7], sequence_id=2), 3
    )  # the never used block, then the oldest
    assert blocks.reuse_prefix(sequence_of([1, 2, 0], sequence_id=3)) == 0
    assert blocks.reuse_prefix(sequence_of([3, 4, 0], sequence_id=4)) == 2


def test_without_the_prefix_cache_nothing_is_found() -> None:
    blocks = BlockManager(num_blocks=8, block_size=2, prefix_cache=False)
    compute_all(blocks, sequence_of([1, 2, 3, 4, 5]))
    assert blocks.reuse_prefix(sequence_of([1, 2, 3, 4, 5], sequence_id=1)) == 0


@pytest.mark.parametrize(
    ("salt", "other_salt", "num_shared"),
    [("", "", 4), ("a", "a", 4), ("a", "b", 0), ("", "a", 0), ("a", "", 0), ("a", "aa", 0)],
)
def test_only_sequences_of_one_salt_share(salt: str, other_salt: str, num_shared: int) -> None:
    blocks = BlockManager(num_blocks=16, block_size=4)
    compute_all(blocks, sequence_of([1, 2, 3, 4, 5], cache_salt=salt))
    assert blocks.reuse_prefix(sequence_of([1, 2, 3, 4, 5], 1, other_salt)) == num_shared


def test_a_block_is_hashed_once_in_a_sequences_life() -> None:
    blocks = BlockManager(num_blocks=16, block_size=2)
    sequence = sequence_of([1, 2, 3, 4, 5])
    compute_all(blocks, sequence)
    hashes = list(sequence.block_hashes)
    blocks.free(sequence)  # as a preemption does
    sequence.num_computed_tokens = blocks.reuse_prefix(sequence)
    assert sequence.num_computed_tokens == 4
    assert all(now is before for now, before in zip(sequence.block_hashes, hashes, strict=True))


def test_blocks_beyond_the_tokens_are_given_back() -> None:
    blocks = BlockManager(num_blocks=8, block_size=2)
    sequence = sequence_of([1, 2, 3])
    blocks.allocate(sequence, 8)
    table = sequence.block_table
    blocks.trim(sequence)
    assert sequence.block_table == table[:2]
    assert sequence.block_table is not table, "whoever has a copy notices"
    blocks.check_integrity([sequence])


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.lists(st.integers(0, 1), min_size=1, max_size=12)),
        max_size=30,
    )
)
def test_the_books_agree_after_any_arrivals_and_departures(
    events: list[tuple[int, list[int]]],
) -> None:
    blocks = BlockManager(num_blocks=16, block_size=2)
    held: dict[int, Sequence] = {}
    for key, token_ids in events:
        if key in held:
            blocks.free(held.pop(key))
        else:
            sequence = sequence_of(token_ids, sequence_id=key)
            sequence.num_computed_tokens = blocks.reuse_prefix(sequence)
            if blocks.num_missing_blocks(sequence, sequence.num_tokens) > blocks.num_free_blocks:
                blocks.free(sequence)
                continue
            blocks.allocate(sequence, sequence.num_tokens)
            sequence.num_computed_tokens = sequence.num_tokens
            blocks.publish(sequence)
            held[key] = sequence
        blocks.check_integrity(held.values())
    for sequence in held.values():
        blocks.free(sequence)
    assert blocks.num_free_blocks == 16
