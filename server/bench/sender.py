"""Sending one request and timing its stream."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from antiphon.server.bench.endpoint import Endpoint, Reading, Usage, error_message
from antiphon.server.bench.errors import RequestFailed, RequestRefused
from antiphon.server.bench.measurement import Measurement, TokenSource
from antiphon.server.bench.sse_client import SseDecoder

Clock = Callable[[], float]
REASON_LENGTH = 160  # characters: reasons are counted and shown in a table


@dataclass(frozen=True, slots=True)
class RequestSender:
    """Sends prompts to one model at one endpoint.

    extensions   body fields outside the standard, such as ignore_eos.
    """

    client: httpx.AsyncClient
    endpoint: Endpoint
    model: str
    temperature: float
    extensions: dict[str, object]
    clock: Clock

    async def measure(self, prompt: str, output_tokens: int) -> Measurement:
        """One request, whatever becomes of it: a failure is part of what is measured."""
        started_at = self.clock()
        try:
            return await self.stream(prompt, output_tokens)
        except RequestFailed as error:
            reason = str(error)
        except httpx.HTTPError as error:
            reason = describe_http_error(error)
        return Measurement(started_at, self.clock(), error=reason[:REASON_LENGTH])

    async def stream(self, prompt: str, output_tokens: int) -> Measurement:
        """One request. Raises RequestFailed, or httpx.HTTPError if the connection fails."""
        body = self.endpoint.body(self.model, prompt, output_tokens, self.temperature)
        content = json.dumps(body | self.extensions)
        recording = Recording(self.clock())
        async with self.client.stream("POST", self.endpoint.path, content=content) as answer:
            if answer.status_code != httpx.codes.OK:
                raise RequestRefused(answer.status_code, await _read_message(answer))
            decoder = SseDecoder()
            async for chunk in answer.aiter_bytes():
                now = self.clock()
                for event in decoder.feed(chunk):
                    recording.add(self.endpoint.read(event), now)
        return recording.measurement(self.clock())


class Recording:
    """What has been read of one stream so far."""

    def __init__(self, started_at: float) -> None:
        self._started_at = started_at
        self._text_times: list[float] = []
        self._usage = Usage(None, None, None)
        self._is_final = False

    def add(self, reading: Reading, now: float) -> None:
        if reading.text:
            self._text_times.append(now)
        self._usage = reading.usage or self._usage
        self._is_final = self._is_final or reading.is_final

    def measurement(self, ended_at: float) -> Measurement:
        """Raises RequestFailed if the stream was cut off."""
        if not self._is_final:
            raise RequestFailed("the stream ended before the answer was complete")
        reported = self._usage.output_tokens
        return Measurement(
            started_at=self._started_at,
            ended_at=ended_at,
            text_times=tuple(self._text_times),
            output_tokens=len(self._text_times) if reported is None else reported,
            token_source=TokenSource.DELTAS if reported is None else TokenSource.USAGE,
            input_tokens=self._usage.input_tokens,
            cached_tokens=self._usage.cached_tokens,
        )


def describe_http_error(error: httpx.HTTPError) -> str:
    """`ReadTimeout` or `ConnectError: ...`: some of httpx's errors have no text of their own."""
    name = type(error).__name__
    return f"{name}: {error}" if str(error) else name


async def _read_message(answer: httpx.Response) -> str:
    text = (await answer.aread()).decode("utf-8", errors="replace")
    try:
        message = error_message(json.loads(text))
    except ValueError:
        message = text
    return " ".join(message.split())
