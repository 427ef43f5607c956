"""One running sequence in the API process: a mailbox of deltas, merged while nobody reads."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

from antiphon.engine.errors import EngineError
from antiphon.engine.outputs import FinishReason, SequenceDelta


class ClientGeneration:
    """Keeps the `Generation` protocol. A slow reader gets few large deltas and holds up nobody."""

    def __init__(self, sequence_id: int, abandon: Callable[[int], None]) -> None:
        self._sequence_id = sequence_id
        self._abandon = abandon
        self._pending: SequenceDelta | None = None
        self._error: EngineError | None = None
        self._is_finished = False
        self._arrived = asyncio.Event()

    def push(self, delta: SequenceDelta) -> None:
        if self._pending is not None:
            delta = replace(
                delta,
                token_ids=self._pending.token_ids + delta.token_ids,
                logprobs=self._pending.logprobs + delta.logprobs,
            )
        self._pending = delta
        self._arrived.set()

    def cancel(self) -> None:
        """A sequence that has ended stays as it ended."""
        has_ended = self._is_finished or self._error is not None
        if has_ended or (self._pending is not None and self._pending.finish_reason is not None):
            return
        self._abandon(self._sequence_id)
        num_cached_tokens = self._pending.num_cached_tokens if self._pending else 0
        self.push(SequenceDelta(self._sequence_id, [], FinishReason.ABORTED, num_cached_tokens))

    def fail(self, error: EngineError) -> None:
        self._error = error
        self._arrived.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SequenceDelta:
        if self._is_finished:
            raise StopAsyncIteration
        await self._arrived.wait()
        self._arrived.clear()
        if self._pending is None:
            self._is_finished = True
            assert self._error is not None, "woken by a delta or by an error"
            raise self._error
        delta, self._pending = self._pending, None
        self._is_finished = delta.finish_reason is not None
        if self._error is not None:
            self._arrived.set()  # the error comes after the tokens that arrived before it
        return delta

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._abandon(self._sequence_id)
