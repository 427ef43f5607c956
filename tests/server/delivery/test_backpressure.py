"""A client that does not read: what waits for it is small, and nobody waits for it."""

import asyncio
import json
import socket
from urllib.parse import urlsplit

from antiphon.engine.client_generation import ClientGeneration
from antiphon.engine.outputs import FinishReason, SequenceDelta
from antiphon.models.language_side import LanguageSide
from tests.fake_engine import FakeEngine
from tests.serving import loopback, make_context

# A guard against hanging for ever, not a measurement.
GUARD_SECONDS = 120
NUM_DELTAS = 5_000
# Of the system's, on either side; with the server's own 64 KiB there is room for some 400 events.
BUFFER_BYTES = 4096
MAX_UNREAD_DELTAS = 1_000
DELTA = b"event: response.output_text.delta"


class MailboxEngine(FakeEngine):
    """Its sequences say what they are told, into the mailboxes of the real engine's client."""

    def __init__(self) -> None:
        super().__init__()
        self.mailboxes: list[ClientGeneration] = []

    def submit(self, *_: object, **__: object) -> ClientGeneration:  # type: ignore[override]
        mailbox = ClientGeneration(len(self.mailboxes), lambda sequence_id: None)
        self.mailboxes.append(mailbox)
        return mailbox

    def say(self, token_id: int, finish_reason: FinishReason | None = None) -> None:
        for number, mailbox in enumerate(self.mailboxes):
            mailbox.push(SequenceDelta(number, [token_id], finish_reason, 0))


async def ask(url: str) -> socket.socket:
    """A streamed request on a connection that takes in little, and that nobody reads yet."""
    address = urlsplit(url)
    content = json.dumps({"input": "Hi", "stream": True}).encode()
    head = (
        f"POST /v1/responses HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, (address.hostname, address.port))
    await loop.sock_sendall(connection, head.encode() + content)
    return connection


async def read(connection: socket.socket) -> bytes:
    """The whole answer, until the server hangs up."""
    reader, writer = await asyncio.open_connection(sock=connection)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_client_that_does_not_read_holds_up_nobody_and_is_sent_the_rest_in_few_pieces(
    language_side: LanguageSide,
) -> None:
    engine = MailboxEngine()
    (token_id,) = language_side.tokenizer.encode("a")
    async with (
        asyncio.timeout(GUARD_SECONDS),
        loopback(make_context(engine, language_side), send_buffer_bytes=BUFFER_BYTES) as url,
    ):
        slow, fast = await ask(url), await ask(url)
        reading = asyncio.create_task(read(fast))
        while len(engine.mailboxes) < 2:
            await asyncio.sleep(0)
        for _ in range(NUM_DELTAS - 1):
            engine.say(token_id)
            await asyncio.sleep(0)
        engine.say(token_id, FinishReason.LENGTH)
        fast_answer = await reading
        slow_answer = await read(slow)
    whole = b'"text":"' + NUM_DELTAS * b"a" + b'"'
    assert whole in fast_answer
    assert whole in slow_answer
    assert fast_answer.count(DELTA) > NUM_DELTAS / 2
    assert slow_answer.count(DELTA) < MAX_UNREAD_DELTAS
