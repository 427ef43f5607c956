"""Grammar masks applied to logits: places without a grammar cost nothing."""

import numpy as np
import torch
from torch import Tensor

from antiphon.engine.places import Places


def forbid_tokens(logits: Tensor, places: Places) -> None:
    """Set to -inf what a place's grammar does not allow; comes before any penalty or bias.

    logits: [num_places, vocab_size] float32, changed in place. Columns beyond the tokenizer's
    vocabulary, which many models have, are forbidden as well.
    """
    rows = places.where("has_grammar")
    if not rows:
        return
    grammars = [places.sequences[row].grammar for row in rows]
    masks = [grammar.mask for grammar in grammars if grammar is not None]
    packed = torch.from_numpy(np.stack(masks)).to(logits.device)
    num_columns = min(logits.shape[1], 8 * packed.shape[1])
    is_forbidden = torch.ones((len(rows), logits.shape[1]), dtype=torch.bool, device=logits.device)
    is_forbidden[:, :num_columns] = ~_unpack(packed)[:, :num_columns]
    logits[rows] = logits[rows].masked_fill(is_forbidden, -torch.inf)


def _unpack(packed: Tensor) -> Tensor:
    """[num_rows, num_bytes] uint8, lowest bit first, to [num_rows, 8 * num_bytes] bool."""
    bits = torch.tensor([1 << bit for bit in range(8)], dtype=torch.uint8, device=packed.device)
    return (packed[:, :, None] & bits).flatten(1).bool()
