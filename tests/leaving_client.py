"""A client with a connection of its own, which it can cut in the middle of an answer."""

import asyncio
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

# A guard against hanging for ever, not a measurement.
GUARD_SECONDS = 30


@dataclass(frozen=True, slots=True)
class LeavingClient:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def post(cls, url: str, body: dict[str, object]) -> "LeavingClient":
        """Whose request has been sent."""
        address = urlsplit(url)
        client = cls(*await asyncio.open_connection(address.hostname, address.port))
        content = json.dumps(body).encode()
        head = (
            f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        client.writer.write(head.encode() + content)
        await client.writer.drain()
        return client

    async def leave(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()
