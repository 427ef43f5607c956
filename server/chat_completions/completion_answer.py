"""The two ways in which a completion is answered: chunk by chunk, or whole."""

from functools import partial

from starlette.types import Send

from antiphon.server.chat_completions.chunks import CompletionStream
from antiphon.server.chat_completions.response_translation import chat_completion
from antiphon.server.context import ServerContext
from antiphon.server.delivery.answer import MakingAnswer, send_json, write_events
from antiphon.server.delivery.emission import Emission, Emissions
from antiphon.server.delivery.response_record import ResponseRecord
from antiphon.server.protocol.errors import ErrorBody, ErrorPayload
from antiphon.server.protocol.response import ResponseResource


class CompletionAnswer(MakingAnswer):
    """Tells a response as a completion."""

    def __init__(
        self, record: ResponseRecord, context: ServerContext, *, includes_usage: bool
    ) -> None:
        super().__init__(record, context)
        self._includes_usage = includes_usage

    async def write_stream(self, made: Emissions, send: Send) -> None:
        stream = CompletionStream(includes_usage=self._includes_usage)
        await write_events(made, partial(_encoded, stream), send)

    async def write_whole(self, response: ResponseResource, send: Send) -> None:
        """One that failed on the server's side is no completion."""
        if response.error is None:
            await send_json(chat_completion(response).model_dump_json(), 200, send)
            return
        code, message = response.error.code, response.error.message
        error = ErrorPayload(type="server_error", code=code, message=message, param=None)
        await send_json(ErrorBody(error=error).model_dump_json(), 500, send)


def _encoded(stream: CompletionStream, emissions: list[Emission]) -> bytes:
    """There are no `event:` lines."""
    chunks = [chunk for emission in emissions for chunk in stream.chunks(emission.event)]
    return "".join([f"data: {chunk.model_dump_json()}\n\n" for chunk in chunks]).encode()
