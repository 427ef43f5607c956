import torch

from antiphon.models.forward_batch import ForwardBatch
from antiphon.models.layer_kv import PagedStates


def batch(slots: list[int], fresh_blocks: list[int]) -> ForwardBatch:
    nothing = torch.zeros(0, dtype=torch.int64)
    return ForwardBatch(
        token_ids=nothing,
        position_ids=nothing,
        slot_mapping=torch.tensor(slots),
        fresh_blocks=torch.tensor(fresh_blocks, dtype=torch.int64),
        spans=(),
        groups=(),
        logit_rows=nothing,
        state_rows=nothing,
        has_state=False,
    )


def paged(num_blocks: int = 6, block_size: int = 2) -> PagedStates:
    blocks = torch.full((num_blocks, block_size, 1, 1), torch.nan)
    blocks[0] = 0
    return PagedStates(blocks)


def states(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float32).view(-1, 1, 1)


def test_tokens_are_found_again_through_the_block_table() -> None:
    keys = paged()
    keys.store(states(1, 2, 3), batch([6, 7, 2], fresh_blocks=[3, 1]))
    gathered = keys.gather(torch.tensor([[3, 1]]), context_len=3)
    assert gathered.flatten().tolist() == [1, 2, 3]


def test_what_was_in_a_block_before_is_gone_when_it_is_written_to() -> None:
    """A padded row reads the rest of its last block under a mask, which a NaN would pass."""
    keys = paged()
    keys.store(states(1), batch([8], fresh_blocks=[4]))
    assert keys.gather(torch.tensor([[4, 0]]), context_len=4).flatten().tolist() == [1, 0, 0, 0]


def test_a_block_that_is_written_to_again_keeps_its_tokens() -> None:
    keys = paged()
    keys.store(states(1), batch([8], fresh_blocks=[4]))
    keys.store(states(2), batch([9], fresh_blocks=[]))
    assert keys.gather(torch.tensor([[4]]), context_len=2).flatten().tolist() == [1, 2]


def test_rows_of_a_group_are_gathered_side_by_side() -> None:
    keys = paged()
    keys.store(states(1, 2, 3), batch([2, 4, 5], fresh_blocks=[1, 2]))
    gathered = keys.gather(torch.tensor([[1], [2]]), context_len=2)
    assert gathered.shape == (2, 1, 2, 1)
    assert gathered.flatten().tolist() == [1, 0, 2, 3]
