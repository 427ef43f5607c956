"""One engine process seen from the API process: start it, write to it, read from it, end it."""

import asyncio
import contextlib
import os
import socket
import struct
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Self

from antiphon.engine.errors import EngineUnavailable
from antiphon.engine.messages import FromEngine, ToEngine, decode_from_engine, encode

# multiprocessing.connection.Connection, which the engine's side uses, puts this before each frame.
FRAME_HEADER = struct.Struct("!i")

# -P: the user's own folder is no place to import from: it may hold a torch.py.
ENGINE_COMMAND = (sys.executable, "-P", "-m", "antiphon.engine.process")

# Weights and the KV cache are read from end to end, step after step: with pages of 4 KiB finding
# them takes a fifth of that time. A kernel or C library without such pages ignores this.
LARGE_PAGES = "glibc.malloc.hugetlb=1"


class EngineChild:
    """A running engine process and the socket to it."""

    def __init__(
        self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def spawn(cls, command: Sequence[str] = ENGINE_COMMAND) -> Self:
        """Run the command, with the number of its end of the socket as its last argument."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *command,
                str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                env=with_large_pages(os.environ),
                start_new_session=True,  # Ctrl-C in the terminal is for the API process
                pass_fds=[theirs.fileno()],
            )
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        return cls(process, reader, writer)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: ToEngine) -> None:
        """Raises EngineUnavailable when the engine is gone already."""
        frame = encode(message)
        try:
            self._writer.write(FRAME_HEADER.pack(len(frame)) + frame)
        except RuntimeError as error:  # uvloop's word for a transport that was closed
            raise EngineUnavailable("The engine process has ended.") from error

    async def messages(self) -> AsyncIterator[FromEngine]:
        """Everything the engine says, until its end of the socket closes."""
        try:
            while True:
                (length,) = FRAME_HEADER.unpack(await self._reader.readexactly(FRAME_HEADER.size))
                yield decode_from_engine(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # a ConnectionError is what a write met before the reader found the end

    async def end(self, grace_seconds: float) -> int:
        """Close the socket, at which the engine stops, or kill it. Returns its exit code."""
        self._writer.close()
        try:
            return await asyncio.wait_for(self._process.wait(), grace_seconds)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            return await self._process.wait()


def with_large_pages(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of an engine process; what somebody has set already is left as it is."""
    tunables = environment.get("GLIBC_TUNABLES", "")
    if "glibc.malloc.hugetlb" in tunables:
        return dict(environment)
    return {**environment, "GLIBC_TUNABLES": ":".join(filter(None, (tunables, LARGE_PAGES)))}
