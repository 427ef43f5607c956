"""Grammar masks applied to logits: rows without a grammar cost nothing."""

import numpy as np
import torch
from torch import Tensor

from antiphon.engine.sequence import Sequence


def forbid_tokens(logits: Tensor, sequences: list[Sequence]) -> None:
    """Set to -inf what a row's grammar does not allow; comes before any penalty or bias.

    logits: [num_rows, vocab_size] float32, changed in place. Columns beyond the tokenizer's
    vocabulary, which many models have, are forbidden as well.
    """
    rows = [row for row, sequence in enumerate(sequences) if sequence.grammar is not None]
    if not rows:
        return
    masks = [sequence.grammar.mask for sequence in sequences if sequence.grammar is not None]
    packed = torch.from_numpy(np.stack(masks)).to(logits.device)
    num_columns = min(logits.shape[1], 8 * packed.shape[1])
    is_forbidden = torch.ones((len(rows), logits.shape[1]), dtype=torch.bool, device=logits.device)
    is_forbidden[:, :num_columns] = ~_unpack(packed)[:, :num_columns]
    logits[rows] = logits[rows].masked_fill(is_forbidden, -torch.inf)


def _unpack(packed: Tensor) -> Tensor:
    """[num_rows, num_bytes] uint8, lowest bit first, to [num_rows, 8 * num_bytes] bool."""
    bits = torch.tensor([1 << bit for bit in range(8)], dtype=torch.uint8, device=packed.device)
    return (packed[:, :, None] & bits).flatten(1).bool()
