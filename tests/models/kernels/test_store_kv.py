import torch

from antiphon.models.kernels.store_kv import store_kv
from antiphon.models.layer_kv import LayerKV, PagedStates


def paged(num_heads: int, dim: int, device: torch.device) -> PagedStates:
    return PagedStates(torch.full((5, 4, num_heads, dim), torch.nan, device=device))


def test_each_token_goes_to_its_slot_and_nothing_else_changes(device: torch.device) -> None:
    kv = LayerKV(paged(3, 20, device), paged(3, 8, device))
    key, value = torch.randn(3, 3, 20, device=device), torch.randn(3, 3, 8, device=device)
    slots = torch.tensor([17, 4, 19], device=device)
    store_kv(key, value, kv, slots)
    for stored, new in ((kv.keys, key), (kv.values, value)):
        by_slot = stored.blocks.flatten(0, 1)
        assert torch.equal(by_slot[slots], new)
        others = [slot for slot in range(20) if slot not in slots.tolist()]
        assert by_slot[others].isnan().all()


def test_states_may_lie_between_those_of_other_heads(device: torch.device) -> None:
    kv = LayerKV(paged(2, 16, device), paged(2, 16, device))
    packed = torch.randn(2, 8, 16, device=device)
    slots = torch.tensor([5, 6], device=device)
    store_kv(packed[:, 4:6], packed[:, 6:], kv, slots)
    assert torch.equal(kv.keys.blocks[1, 1:3], packed[:, 4:6])
    assert torch.equal(kv.values.blocks[1, 1:3], packed[:, 6:])


def test_padding_writes_to_the_null_block_alone(device: torch.device) -> None:
    kv = LayerKV(paged(1, 16, device), paged(1, 16, device))
    states = torch.randn(3, 1, 16, device=device)
    store_kv(states, states, kv, torch.zeros(3, dtype=torch.int64, device=device))
    assert any(torch.equal(kv.keys.blocks[0, 0], state) for state in states)
    assert kv.keys.blocks[1:].isnan().all()
