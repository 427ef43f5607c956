"""How the two endpoints are asked and how their events are read: all that differs between them."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from antiphon.server.bench.errors import RequestFailed
from antiphon.server.bench.sse_client import SseEvent

END_MARK = "[DONE]"


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the server reports them; None where it does not."""

    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one event means to a load generator.

    text       generated text of any kind: answer, reasoning, refusal, call arguments.
    is_final   the answer is complete; a stream that ends without one was cut off.
    """

    text: str = ""
    usage: Usage | None = None
    is_final: bool = False


class Endpoint(Protocol):
    """One streaming endpoint."""

    @property
    def path(self) -> str: ...

    def body(
        self, model: str, prompt: str, output_tokens: int, temperature: float
    ) -> dict[str, object]: ...

    def read(self, event: SseEvent) -> Reading:
        """Raises RequestFailed for an event that says the answer failed, or that is not JSON."""
        ...


class ResponsesEndpoint:
    """`/v1/responses` of Open Responses."""

    path = "/v1/responses"

    def body(
        self, model: str, prompt: str, output_tokens: int, temperature: float
    ) -> dict[str, object]:
        return {
            "model": model,
            "input": prompt,
            "max_output_tokens": output_tokens,
            "temperature": temperature,
            "stream": True,
            "store": False,
        }

    def read(self, event: SseEvent) -> Reading:
        if event.data == END_MARK:
            return Reading()
        payload = _payload(event)
        kind = _text(payload.get("type")) or event.name
        if kind in ("error", "response.failed"):
            raise RequestFailed(f"{kind}: {error_message(payload.get('response') or payload)}")
        if kind in ("response.completed", "response.incomplete"):
            return Reading(usage=_responses_usage(_table(payload.get("response"))), is_final=True)
        return Reading(text=_text(payload.get("delta")) if kind.endswith(".delta") else "")


class ChatEndpoint:
    """`/v1/chat/completions`."""

    path = "/v1/chat/completions"

    def body(
        self, model: str, prompt: str, output_tokens: int, temperature: float
    ) -> dict[str, object]:
        return {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": output_tokens,
            "temperature": temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    def read(self, event: SseEvent) -> Reading:
        if event.data == END_MARK:
            return Reading(is_final=True)
        payload = _payload(event)
        if event.name == "error" or payload.get("error"):
            raise RequestFailed(f"error: {error_message(payload)}")
        choice = _first(payload.get("choices"))
        return Reading(
            text=_chat_text(_table(choice.get("delta"))),
            usage=_chat_usage(payload),
            is_final=choice.get("finish_reason") is not None,
        )


class EndpointName(StrEnum):
    """What `--endpoint` takes."""

    RESPONSES = "responses"
    CHAT = "chat"


def endpoint_named(name: EndpointName) -> Endpoint:
    return ResponsesEndpoint() if name is EndpointName.RESPONSES else ChatEndpoint()


def error_message(answer: object) -> str:
    """The message in any of the shapes that servers give their errors; empty if there is none."""
    if isinstance(answer, str):
        return answer
    table = _table(answer)
    nested = table.get("error") or table.get("detail")
    return error_message(nested) if nested else _text(table.get("message"))


def _payload(event: SseEvent) -> dict[str, object]:
    try:
        return _table(json.loads(event.data))
    except ValueError as error:
        raise RequestFailed(f"an event is not JSON: {event.data[:80]!r}") from error


def _responses_usage(response: dict[str, object]) -> Usage | None:
    usage = _table(response.get("usage"))
    details = _table(usage.get("input_tokens_details"))
    return _usage(usage.get("input_tokens"), usage.get("output_tokens"), details)


def _chat_usage(payload: dict[str, object]) -> Usage | None:
    usage = _table(payload.get("usage"))
    details = _table(usage.get("prompt_tokens_details"))
    return _usage(usage.get("prompt_tokens"), usage.get("completion_tokens"), details)


def _usage(inputs: object, outputs: object, details: dict[str, object]) -> Usage | None:
    usage = Usage(_count(inputs), _count(outputs), _count(details.get("cached_tokens")))
    return usage if usage != Usage(None, None, None) else None


def _chat_text(delta: dict[str, object]) -> str:
    # Engines name reasoning in one of two ways, some send both with the same text.
    reasoning = _text(delta.get("reasoning_content")) or _text(delta.get("reasoning"))
    call = _table(_first(delta.get("tool_calls")).get("function"))
    texts = (delta.get("content"), delta.get("refusal"), call.get("name"), call.get("arguments"))
    return reasoning + "".join(_text(text) for text in texts)


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _first(value: object) -> dict[str, object]:
    return _table(value[0]) if isinstance(value, list) and value else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
