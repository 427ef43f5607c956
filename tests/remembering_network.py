"""A network whose logits depend on every token it can see, and on where each is stored."""

import torch
from torch import Tensor

from antiphon.models.forward_batch import ForwardBatch

NUM_STATES = 10_007


class RememberingNetwork:
    """Keeps the runner's `Forward` protocol, with a paged cache that holds the tokens themselves.

    Exact whatever it is batched with: the logits are looked up by a number made of all tokens.
    """

    device = torch.device("cpu")
    has_state = False
    needs_tables = True
    packs_decodes = True

    def __init__(self, num_blocks: int, block_size: int, vocab_size: int = 97) -> None:
        self.vocab_size = vocab_size
        self._block_size = block_size
        self._cache = torch.zeros((num_blocks + 1) * block_size, dtype=torch.int64)
        generator = torch.Generator().manual_seed(0)
        # Rounded, so that some are equal; and sharp enough for a greedy row to have a favourite.
        self._logits = (8 * torch.randn((NUM_STATES, vocab_size), generator=generator)).round() / 4

    def forward(self, batch: ForwardBatch) -> Tensor:
        tables = batch.tables
        assert tables is not None
        self._cache.index_copy_(0, batch.slot_mapping, batch.token_ids.flatten())
        offsets = torch.arange(self._block_size)
        slots = tables.block_tables.long()[:, :, None] * self._block_size + offsets
        known = self._cache[slots.flatten(1)]
        if tables.max_query_len > 1:
            known = known.repeat_interleave(tables.query_starts.diff(), dim=0)
        places = torch.arange(known.shape[1])
        positions = batch.position_ids.flatten()
        is_seen = places <= positions[:, None]
        # A different weight for each place: their order counts.
        states = (known * (places * 1_009 % 4_999 + 1) * is_seen).sum(dim=-1) % NUM_STATES
        if batch.logit_rows is not None:
            states = states[batch.logit_rows]
        return self._logits[states]
