"""A client that costs less than any server: it counts events in the bytes, and parses nothing."""

import asyncio
import json
import time
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import uvloop

LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, to be sent again and again. marker: what each event to count has once."""

    path: str
    body: Mapping[str, object]
    marker: bytes

    def raw(self) -> bytes:
        content = json.dumps(self.body).encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content


@dataclass(slots=True)
class Counted:
    """What came. gap_seconds: between events of one stream that did not come together."""

    num_events: int = 0
    seconds: float = 0.0
    gap_seconds: "array[float]" = field(default_factory=lambda: array("d"))


def count_events(
    address: tuple[str, int], asked: Asked, num_streams: int, num_requests: int
) -> Counted:
    """So many streams at once, one request behind the other on each, until all are answered.

    Raises ConnectionError for an answer that is no stream, or that does not end.
    """
    return uvloop.run(_count(address, asked, num_streams, num_requests))


async def _count(
    address: tuple[str, int], asked: Asked, num_streams: int, num_requests: int
) -> Counted:
    counted = Counted()
    waiting = iter([asked.raw()] * num_requests)
    started_at = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(num_streams):
            group.create_task(_stream(address, asked.marker, waiting, counted))
    counted.seconds = time.perf_counter() - started_at
    return counted


async def _stream(
    address: tuple[str, int], marker: bytes, waiting: Iterator[bytes], counted: Counted
) -> None:
    loop = asyncio.get_running_loop()
    connection = _Connection(marker, waiting, counted, loop.create_future())
    await loop.create_connection(lambda: connection, *address)
    await connection.ended


class _Connection(asyncio.Protocol):
    """Asks, reads the answer to its end, and asks again."""

    def __init__(
        self,
        marker: bytes,
        waiting: Iterator[bytes],
        counted: Counted,
        ended: "asyncio.Future[None]",
    ) -> None:
        self.ended = ended
        self._marker = marker
        self._waiting = waiting
        self._counted = counted
        self._tail = b""
        self._is_new = True
        self._last_event_at: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are of no such class
        self._ask()

    def data_received(self, received: bytes) -> None:
        text = self._tail + received
        if self._is_new and not text.startswith(b"HTTP/1.1 200"):
            self._end(ConnectionError(text.decode(errors="replace")))
            return
        self._is_new = False
        if num_events := text.count(self._marker):
            self._note(num_events)
        self._tail = text[1 - len(self._marker) :]
        if text.endswith(LAST_CHUNK):
            self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or ConnectionError("the server has hung up"))

    def _ask(self) -> None:
        self._tail, self._is_new, self._last_event_at = b"", True, None
        request = next(self._waiting, None)
        if request is None:
            self._end(None)
        else:
            self._transport.write(request)

    def _note(self, num_events: int) -> None:
        now = time.perf_counter()
        if self._last_event_at is not None:
            self._counted.gap_seconds.append(now - self._last_event_at)
        self._last_event_at = now
        self._counted.num_events += num_events

    def _end(self, error: Exception | None) -> None:
        if self.ended.done():
            return
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)
        self._transport.close()
