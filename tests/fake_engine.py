"""An engine that says what a test wrote down for it, one delta at a time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from antiphon.engine.errors import EngineUnavailable
from antiphon.engine.generation import EngineCard
from antiphon.engine.outputs import EngineStats, FinishReason, SequenceDelta, TokenLogprobs
from antiphon.engine.priority import Priority
from antiphon.engine.sampling_params import SamplingParams


def engine_card(*, vocab_size: int = 512, max_model_len: int = 4096) -> EngineCard:
    return EngineCard(
        model_path="/models/fake",
        architecture="FakeForCausalLM",
        device="cpu",
        dtype="float32",
        quantization="none",
        attention="none",
        vocab_size=vocab_size,
        max_model_len=max_model_len,
        max_num_seqs=8,
        block_size=16,
        num_blocks=1024,
        kv_cache_bytes=0,
        weight_bytes=0,
    )


@dataclass(frozen=True, slots=True)
class Script:
    """What every sequence says: the token ids of each delta, and how it ends.

    finish_reason   of the last delta; None ends the iteration without any.
    error           raised instead of a last delta, after all token ids.
    logprobs        of each delta's tokens; empty reports none.
    has_gate        every delta waits until the test opens `FakeEngine.gate`.
    """

    token_ids: Sequence[Sequence[int]] = ()
    finish_reason: FinishReason | None = FinishReason.STOP
    error: Exception | None = None
    num_cached_tokens: int = 0
    has_gate: bool = False
    logprobs: Sequence[Sequence[TokenLogprobs]] = ()

    def deltas(self, sequence_id: int) -> list[SequenceDelta]:
        """A script with an error or without token ids still has the deltas it needs."""
        steps = list(self.token_ids)
        reasons: list[FinishReason | None] = [None] * len(steps)
        if self.error is None and steps:
            reasons[-1] = self.finish_reason
        logprobs = self.logprobs or [()] * len(steps)
        return [
            SequenceDelta(sequence_id, list(ids), reason, self.num_cached_tokens, tuple(reported))
            for ids, reason, reported in zip(steps, reasons, logprobs, strict=True)
        ]


@dataclass(slots=True)
class FakeGeneration:
    engine: "FakeEngine"
    sequence_id: int
    script: Script
    prompt_token_ids: list[int]
    params: SamplingParams
    priority: Priority = Priority.DEFAULT
    cache_salt: str = ""
    has_ended: bool = False
    was_entered: bool = False
    was_left: asyncio.Event = field(default_factory=asyncio.Event)
    pending: list[SequenceDelta] = field(default_factory=list)
    was_cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.pending = self.script.deltas(self.sequence_id)

    def __aiter__(self) -> Self:
        return self

    def cancel(self) -> None:
        self.was_cancelled.set()

    async def __anext__(self) -> SequenceDelta:
        assert self.was_entered, "a generation must be entered before it is read"
        if self.script.has_gate:
            await self._gate_or_cancel()
        if self.was_cancelled.is_set() and not self.has_ended:
            self.has_ended = True
            self.engine.aborted.append(self.sequence_id)
            return SequenceDelta(self.sequence_id, [], FinishReason.ABORTED, 0)
        if self.has_ended:
            raise StopAsyncIteration
        if self.pending:
            delta = self.pending.pop(0)
            self.has_ended = delta.finish_reason is not None
            return delta
        if self.script.error is not None:
            self.has_ended = True
            raise self.script.error
        raise StopAsyncIteration

    async def _gate_or_cancel(self) -> None:
        waits = [asyncio.create_task(e.wait()) for e in (self.engine.gate, self.was_cancelled)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def __aenter__(self) -> Self:
        self.was_entered = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.has_ended:
            self.engine.aborted.append(self.sequence_id)
        self.was_left.set()


class FakeEngine:
    """Keeps the `Engine` protocol. `refusal` is raised by every submit; `script` can be changed."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        refusal: Exception | None = None,
        card: EngineCard | None = None,
        is_ready: bool = True,
    ) -> None:
        self.script = script or Script()
        self.refusal = refusal
        self.is_ready = is_ready
        self.gate = asyncio.Event()
        self.generations: list[FakeGeneration] = []
        self.aborted: list[int] = []
        self._card = card or engine_card()
        self._arrived: asyncio.Queue[FakeGeneration] = asyncio.Queue()

    @property
    def card(self) -> EngineCard:
        if not self.is_ready:
            raise EngineUnavailable("The model is still loading.")
        return self._card

    @property
    def stats(self) -> EngineStats | None:
        return None

    def script_for(self, prompt_token_ids: list[int], params: SamplingParams) -> Script:
        """What a new sequence will say."""
        return self.script

    def submit(
        self,
        prompt_token_ids: list[int],
        params: SamplingParams,
        *,
        priority: Priority = Priority.DEFAULT,
        cache_salt: str = "",
    ) -> FakeGeneration:
        if self.refusal is not None:
            raise self.refusal
        self.card.check(prompt_token_ids, params)
        script = self.script_for(prompt_token_ids, params)
        generation = FakeGeneration(
            self,
            len(self.generations),
            script,
            prompt_token_ids,
            params,
            priority=priority,
            cache_salt=cache_salt,
        )
        self.generations.append(generation)
        self._arrived.put_nowait(generation)
        return generation

    async def next_generation(self) -> FakeGeneration:
        """Waits for the next submit that no one has waited for yet."""
        return await self._arrived.get()
