"""A server as the official suite is told of it, and asked as the official suite asks."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.acceptance.official_events import check_official_event, check_official_response
from tests.acceptance.official_stream import OfficialStream
from tests.acceptance.socket_client import SocketClient, open_socket
from tests.stream_rules import TERMINAL, Event

# A guard against hanging for ever, not a measurement.
GUARD_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class ServerUnderTest:
    """Every answer is checked as the suite does.

    bounds         what requests say beside what the suite sends; the suite sets no bounds.
    chooses_tools  whether the model calls a tool unasked.
    """

    url: str
    model: str
    api_key: str = "none"
    bounds: Mapping[str, Any] = field(default_factory=dict)
    chooses_tools: bool = True

    async def post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        async with self._http() as http:
            return await http.post(path, json=body)

    async def respond(self, **body: object) -> dict[str, Any]:
        """A plain response, with some output."""
        answer = await self.post("/responses", self._asking(body))
        assert answer.status_code == 200, answer.text
        assert "application/json" in answer.headers["content-type"]
        response: dict[str, Any] = answer.json()
        check_official_response(response)
        assert response["output"]
        return response

    async def stream(self, **body: object) -> list[Event]:
        """Those events that reach a client of the suite's kind."""
        stream = OfficialStream()
        posted = {**self._asking(body), "stream": True}
        async with self._http() as http, http.stream("POST", "/responses", json=posted) as answer:
            assert answer.status_code == 200
            async for piece in answer.aiter_raw():
                stream.feed(piece)
        for event in stream.events:
            check_official_event(event)
        return stream.events

    def socket(self) -> AbstractAsyncContextManager[SocketClient]:
        additions = {"model": self.model, **self.bounds}
        return open_socket(self.url, key=self.api_key, additions=additions)

    def check_completed(self, response: Mapping[str, Any]) -> None:
        """What our own bounds cut off would have been completed."""
        is_cut_off = response["incomplete_details"] == {"reason": "max_output_tokens"}
        is_ours = "max_output_tokens" in self.bounds and is_cut_off
        assert response["status"] == "completed" or is_ours, response["status"]

    def check_completed_turn(self, events: list[Event]) -> dict[str, Any]:
        """The response at the end of a turn or stream that went well."""
        assert events
        assert events[-1]["type"] in TERMINAL
        response: dict[str, Any] = events[-1]["response"]
        check_official_response(response)
        self.check_completed(response)
        return response

    def _asking(self, body: Mapping[str, object]) -> dict[str, object]:
        return {"model": self.model, **self.bounds, **body}

    def _http(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        base_url = f"{self.url}/v1"
        return httpx.AsyncClient(base_url=base_url, headers=headers, timeout=GUARD_SECONDS)
