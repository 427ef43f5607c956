"""One running sequence in the API process: a mailbox of deltas, merged while nobody reads."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from antiphon.engine.errors import EngineError
from antiphon.engine.outputs import FinishReason, SequenceDelta


class ClientGeneration:
    """Keeps the `Generation` protocol. A slow reader gets few large deltas and holds up nobody.

    Made and used on one event loop.
    """

    def __init__(self, sequence_id: int, abandon: Callable[[int], None]) -> None:
        self._sequence_id = sequence_id
        self._abandon = abandon
        self._pending: SequenceDelta | None = None
        self._error: EngineError | None = None
        self._is_finished = False
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None

    def push(self, delta: SequenceDelta) -> None:
        if self._pending is not None:
            delta = _joined(self._pending, delta)
        self._pending = delta
        self._wake()

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
        self._wake()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SequenceDelta:
        """An error comes after the tokens that arrived before it."""
        if self._is_finished:
            raise StopAsyncIteration
        if self._pending is None and self._error is None:
            self._waiter = self._loop.create_future()
            await self._waiter
        if self._pending is None:
            self._is_finished = True
            assert self._error is not None, "woken by a delta or by an error"
            raise self._error
        delta, self._pending = self._pending, None
        self._is_finished = delta.finish_reason is not None
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

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _joined(pending: SequenceDelta, delta: SequenceDelta) -> SequenceDelta:
    """`pending` and what came behind it. Its list grows in place: nobody has seen it yet, and a
    reader that stays away makes it as long as the sequence."""
    token_ids = pending.token_ids
    token_ids += delta.token_ids
    return replace(delta, token_ids=token_ids, logprobs=pending.logprobs + delta.logprobs)
