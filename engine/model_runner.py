"""Scheduled sequences to sampled tokens: builds forward batches, runs the network, samples."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from antiphon.engine.allowed_tokens import forbid_tokens
from antiphon.engine.batches import BatchBuilder, is_decode
from antiphon.engine.logprobs import StepLogprobs
from antiphon.engine.places import Places
from antiphon.engine.rows import Rows
from antiphon.engine.sampler import sample
from antiphon.engine.scheduler import ScheduledSequence
from antiphon.engine.step_sample import StepSample
from antiphon.models.forward_batch import ForwardBatch

Sampler = Callable[[Tensor, Places], list[int]]


class Forward(Protocol):
    """What the runner needs of a network."""

    device: torch.device

    @property
    def vocab_size(self) -> int: ...

    @property
    def has_state(self) -> bool: ...

    @property
    def needs_tables(self) -> bool:
        """Whether its batches carry `ForwardBatch.tables`, instead of groups."""
        ...

    @property
    def packs_decodes(self) -> bool:
        """Whether prompts and decodes may share a packed pass."""
        ...

    def forward(self, batch: ForwardBatch) -> Tensor:
        """Returns logits [num_logits, vocab_size] float32."""
        ...


class NetworkRunner:
    """Runs steps on one network: decodes in a stacked pass, chunks of prompts in a packed one.

    A step with drafts is one packed pass, and so is every mixed step where attention loses nothing
    by it: weights are then read once. A hybrid model's prompts go one at a time, as its layers take
    one state per batch row.
    """

    def __init__(self, network: Forward, block_size: int, sampler: Sampler = sample) -> None:
        self._network = network
        self._builder = BatchBuilder(block_size, network.device, network.needs_tables)
        self._sample = sampler

    @property
    def rows(self) -> Rows:
        """Brought up to date with each step's sequences."""
        return self._builder.rows

    @torch.inference_mode()
    def run(self, scheduled: list[ScheduledSequence]) -> StepSample:
        decodes, chunks = self._divide(scheduled)
        logits = [self._network.forward(batch) for batch in self._passes(decodes, chunks)]
        sampled = [entry for entry in decodes + chunks if entry.is_sampled]
        if not sampled:
            return StepSample([], [], {})
        return self.choose(logits[0] if len(logits) == 1 else torch.cat(logits), sampled)

    def choose(self, logits: Tensor, sampled: list[ScheduledSequence]) -> StepSample:
        """Sample these entries; logits [num_places, vocab_size] float32, changed in place."""
        places = Places.of(sampled, self.rows)
        forbid_tokens(logits, places)
        logprobs = StepLogprobs(logits, places)
        token_ids = self._sample(logits, places)
        return StepSample(sampled, token_ids, logprobs.of(token_ids))

    def _divide(
        self, scheduled: list[ScheduledSequence]
    ) -> tuple[list[ScheduledSequence], list[ScheduledSequence]]:
        """Entries to stack, and entries to pack."""
        decodes = list(filter(is_decode, scheduled))
        if len(decodes) == len(scheduled):
            return decodes, []
        if self._network.packs_decodes or any(entry.draft_token_ids for entry in scheduled):
            return [], scheduled
        return decodes, [entry for entry in scheduled if not is_decode(entry)]

    def _passes(
        self, decodes: list[ScheduledSequence], chunks: list[ScheduledSequence]
    ) -> list[ForwardBatch]:
        passes = [self._builder.stack(decodes)] if decodes else []
        if self._network.has_state:
            return passes + [self._builder.pack([entry]) for entry in chunks]
        return passes + ([self._builder.pack(chunks)] if chunks else [])
