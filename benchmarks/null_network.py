"""A network that computes nothing: what is left of a step is what the engine itself costs."""

import torch
from torch import Tensor

from antiphon.models.forward_batch import ForwardBatch

VOCAB_SIZE = 64


class NullNetwork:
    """Keeps the runner's `Forward` protocol. The likeliest token is always the last one."""

    device = torch.device("cpu")
    vocab_size = VOCAB_SIZE
    has_state = False
    needs_tables = False
    packs_decodes = False

    def __init__(self, max_batch_size: int) -> None:
        # As float32 as a network's, and not all alike, lest a sampler find a shortcut.
        self._logits = torch.linspace(-2, 2, VOCAB_SIZE).repeat(max_batch_size, 1)

    def forward(self, batch: ForwardBatch) -> Tensor:
        wanted = batch.token_ids.flatten() if batch.logit_rows is None else batch.logit_rows
        return self._logits[: len(wanted)].clone()
