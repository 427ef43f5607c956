"""Scheduled sequences to sampled tokens: builds forward batches, runs the network, samples."""

from collections.abc import Callable

import torch
from torch import Tensor

from antiphon.engine.allowed_tokens import forbid_tokens
from antiphon.engine.batches import BatchBuilder, is_decode
from antiphon.engine.logprobs import StepLogprobs
from antiphon.engine.outputs import SampledToken
from antiphon.engine.sampler import sample
from antiphon.engine.scheduler import ScheduledSequence
from antiphon.engine.sequence import Sequence
from antiphon.models.forward_batch import ForwardBatch
from antiphon.models.network import Network

Sampler = Callable[[Tensor, list[Sequence]], list[int]]


class NetworkRunner:
    """Runs steps on one network: decodes in one stacked pass, chunks of prompts in a packed one.

    A hybrid model's prompts go one at a time, as its layers take one state per batch row.
    """

    def __init__(self, network: Network, block_size: int, sampler: Sampler = sample) -> None:
        self._network = network
        self._builder = BatchBuilder(block_size, network.device)
        self._sample = sampler

    @torch.inference_mode()
    def run(self, scheduled: list[ScheduledSequence]) -> list[SampledToken]:
        """Returns one token for each entry that `is_sampled`, in their order."""
        if not scheduled:
            return []
        decodes = sorted(filter(is_decode, scheduled), key=_num_computed_tokens)
        chunks = [entry for entry in scheduled if not is_decode(entry)]
        logits = torch.cat(
            [self._network.forward(batch) for batch in self._passes(decodes, chunks)]
        )
        sequences = [entry.sequence for entry in decodes + chunks if entry.is_sampled]
        tokens = dict(zip(sequences, self._choose(logits, sequences), strict=True))
        return [tokens[entry.sequence] for entry in scheduled if entry.is_sampled]

    def _choose(self, logits: Tensor, sequences: list[Sequence]) -> list[SampledToken]:
        forbid_tokens(logits, sequences)
        logprobs = StepLogprobs(logits, sequences)
        token_ids = self._sample(logits, sequences)
        return [
            SampledToken(token_id, logprobs.of(row, token_id))
            for row, token_id in enumerate(token_ids)
        ]

    def _passes(
        self, decodes: list[ScheduledSequence], chunks: list[ScheduledSequence]
    ) -> list[ForwardBatch]:
        passes = [self._builder.stack(decodes)] if decodes else []
        if self._network.has_state:
            return passes + [self._builder.pack([entry]) for entry in chunks]
        return passes + ([self._builder.pack(chunks)] if chunks else [])


def _num_computed_tokens(entry: ScheduledSequence) -> int:
    return entry.sequence.num_computed_tokens
