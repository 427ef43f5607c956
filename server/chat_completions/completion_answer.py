"""The two ways in which a completion is answered: chunk by chunk, or whole."""

from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from antiphon.server.chat_completions.chunks import Chunk, CompletionStream
from antiphon.server.chat_completions.response_translation import chat_completion
from antiphon.server.context import ServerContext
from antiphon.server.delivery.disconnect import while_connected
from antiphon.server.delivery.emissions import Emissions, emissions
from antiphon.server.delivery.response_record import ResponseRecord
from antiphon.server.delivery.sse import DONE, HEADERS
from antiphon.server.error_answers import error_answer
from antiphon.server.output.responder import final_response
from antiphon.server.protocol.errors import ErrorPayload
from antiphon.server.protocol.response import ResponseResource


class CompletionAnswer(Response):
    """Makes a response while its client listens, and tells it as a completion."""

    def __init__(
        self, record: ResponseRecord, context: ServerContext, *, includes_usage: bool
    ) -> None:
        super().__init__()
        self._record = record
        self._context = context
        self._includes_usage = includes_usage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Entered here and not within the work, which may be cancelled before its first step.
        async with self._record.admission:
            await while_connected(receive, self._answer(scope, receive, send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(emissions(self._record, self._context)) as made:
            if self._record.admission.body.stream:
                await self._stream(made, send)
            else:
                await _whole(await final_response(made))(scope, receive, send)

    async def _stream(self, made: Emissions, send: Send) -> None:
        stream = CompletionStream(includes_usage=self._includes_usage)
        await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
        async for emission in made:
            for chunk in stream.chunks(emission.event):
                await _send_body(send, _encoded(chunk), more_body=True)
        await _send_body(send, DONE, more_body=False)


def _whole(response: ResponseResource) -> Response:
    """One that failed on the server's side is no completion."""
    if response.error is not None:
        code, message = response.error.code, response.error.message
        return error_answer(
            500, ErrorPayload(type="server_error", code=code, message=message, param=None)
        )
    return Response(chat_completion(response).model_dump_json(), media_type="application/json")


def _encoded(chunk: Chunk) -> bytes:
    return f"data: {chunk.model_dump_json()}\n\n".encode()


async def _send_body(send: Send, body: bytes, *, more_body: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more_body})
