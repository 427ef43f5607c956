"""A host of files on loopback: answers every path with bytes that a test wrote down."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class FileHost:
    """`answers` are whole HTTP answers by path; `requests` are the heads of what was asked."""

    port: int = 0
    answers: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Every name leads here."""
        self.resolved.append(host)
        return ["127.0.0.1"]

    def url(self, path: str, host: str = "files.test") -> str:
        return f"http://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            writer.write(self.answers[head.split()[1]])
            await writer.drain()
            if "/endless" in head:
                await reader.read()
        writer.close()


@contextlib.asynccontextmanager
async def file_host() -> AsyncIterator[FileHost]:
    host = FileHost()
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0)
    host.port = server.sockets[0].getsockname()[1]
    async with server:
        yield host


def http_answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def redirect_to(url: str) -> bytes:
    return http_answer(b"", f"Location: {url}", status="302 Found")
