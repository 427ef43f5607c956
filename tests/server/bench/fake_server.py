"""A server on loopback that answers both endpoints with scripted streams."""

import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

Body = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
TEMPLATE_TOKENS = 10  # what the fake's chat template adds
TOKENS_PER_WORD = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request gets; `is_held` leaves the stream open until the client goes away."""

    chunks: tuple[bytes, ...]
    status: int = 200
    is_held: bool = False


Respond = Callable[[str, Body], Answer]


@dataclass
class FakeServer:
    """An ASGI application that keeps what it was asked."""

    respond: Respond
    requests: list[tuple[str, Body]] = field(default_factory=list)
    headers: list[dict[bytes, bytes]] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = json.loads(await _read(receive) or b"{}")
        self.requests.append((scope["path"], body))
        self.headers.append(dict(scope["headers"]))
        answer = self.respond(scope["path"], body)
        await send({"type": "http.response.start", "status": answer.status, "headers": []})
        for chunk in answer.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if answer.is_held:
            self.held.set()
            await receive()
            return
        await send({"type": "http.response.body", "body": b""})

    def reset(self) -> None:
        """Forget the test before."""
        self.respond = answer_all
        self.requests.clear()
        self.headers.clear()
        self.held.clear()

    def bodies(self) -> list[Body]:
        """What was sent to the endpoint, in order of arrival."""
        return [body for path, body in self.requests if path != "/v1/models"]


class NotifyingServer(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@contextmanager
def running(application: FakeServer) -> Iterator[str]:
    """Serve on a free port of the loopback; gives the address."""
    config = uvicorn.Config(
        application, lifespan="off", log_config=None, ws="none", timeout_graceful_shutdown=5
    )
    server = NotifyingServer(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            assert server.listens.wait(timeout=30)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def answer_all(path: str, body: Body) -> Answer:
    """A server without faults: as many deltas as were asked for, with usage."""
    if path == "/v1/models":
        return Answer((b'{"object":"list","data":[{"id":"fake-model"}]}',))
    if path == "/v1/responses":
        return Answer((responses_stream(body),))
    return Answer((chat_stream(body),))


def refuse(status: int, message: str) -> Answer:
    return Answer((json.dumps({"error": {"message": message}}).encode(),), status=status)


def count_tokens(prompt: str) -> int:
    return TEMPLATE_TOKENS + TOKENS_PER_WORD * len(prompt.split())


def responses_stream(body: Body) -> bytes:
    count = body["max_output_tokens"]
    usage = {
        "input_tokens": count_tokens(body["input"]),
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": count,
    }
    return b"".join(
        [
            sse({"type": "response.created", "response": {"status": "in_progress"}}),
            *[sse({"type": "response.output_text.delta", "delta": "word "})] * count,
            sse({"type": "response.output_text.done", "text": "word " * count}),
            sse({"type": "response.completed", "response": {"usage": usage}}),
            b"data: [DONE]\n\n",
        ]
    )


def chat_stream(body: Body) -> bytes:
    count = body["max_tokens"]
    usage = {
        "prompt_tokens": count_tokens(body["messages"][0]["content"]),
        "completion_tokens": count,
    }
    return b"".join(
        [
            sse({"choices": [{"delta": {"role": "assistant", "content": ""}}]}),
            *[sse({"choices": [{"delta": {"content": "word "}}]})] * count,
            sse({"choices": [{"delta": {}, "finish_reason": "length"}]}),
            sse({"choices": [], "usage": usage}),
            b"data: [DONE]\n\n",
        ]
    )


def sse(payload: object) -> bytes:
    return f"data: {json.dumps(payload)}\n\n".encode()


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)
