import pytest
import torch
from torch import Tensor

from antiphon.models.kernels.token_mask import apply_token_mask


def pack(is_allowed: Tensor) -> Tensor:
    """[num_rows, 32 * num_words] bool to [num_rows, num_words] int32, lowest bit first."""
    bits = is_allowed.view(len(is_allowed), -1, 32).long()
    words = (bits << torch.arange(32, device=bits.device)).sum(dim=-1)
    return torch.where(words >= 2**31, words - 2**32, words).int()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("vocab_size", [32, 100, 3000])
def test_forbidden_tokens_become_impossible_and_others_stay(
    vocab_size: int, dtype: torch.dtype, device: torch.device
) -> None:
    logits = torch.randn(4, vocab_size, device=device).to(dtype)
    num_words = -(-vocab_size // 32)
    is_allowed = torch.rand(4, 32 * num_words, device=device) < 0.5
    expected = logits.masked_fill(~is_allowed[:, :vocab_size], -torch.inf)
    apply_token_mask(logits, pack(is_allowed))
    assert torch.equal(logits, expected)


def test_a_row_of_ones_stays_as_it_is(device: torch.device) -> None:
    logits = torch.randn(2, 70, device=device)
    before = logits.clone()
    packed = torch.tensor([[-1, -1, -1], [0, 0, 0]], dtype=torch.int32, device=device)
    apply_token_mask(logits, packed)
    assert torch.equal(logits[0], before[0])
    assert logits[1].isneginf().all()


def test_tokens_beyond_the_mask_are_forbidden(device: torch.device) -> None:
    logits = torch.zeros(1, 70, device=device)
    apply_token_mask(logits, torch.full((1, 2), -1, dtype=torch.int32, device=device))
    assert logits[0, :64].isfinite().all()
    assert logits[0, 64:].isneginf().all()


def test_rows_between_others_are_left_alone(device: torch.device) -> None:
    logits = torch.zeros(4, 64, device=device)
    apply_token_mask(logits[::2], torch.zeros((2, 2), dtype=torch.int32, device=device))
    assert logits[::2].isneginf().all()
    assert torch.equal(logits[1::2], torch.zeros(2, 64, device=device))
