"""The body of a request, as JSON or as a form, and not more of it than agreed."""

import asyncio
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import JsonValue
from starlette.requests import Request

from antiphon.server.protocol.errors import BodyTooLarge, MalformedBody, UnsupportedMediaType
from antiphon.server.protocol.validation import parse_json

FORM = "application/x-www-form-urlencoded"
MAX_FORM_FIELDS = 1000
LARGE_BODY_BYTES = 256 * 1024

Body = TypeVar("Body")


async def read_request(
    request: Request, max_body_bytes: int, read: Callable[[JsonValue], Body]
) -> Body:
    """What `read` makes of the posted body.

    Raises UnsupportedMediaType, BodyTooLarge before more than that is held, MalformedBody, and
    what `read` raises.
    """
    media_type = _media_type(request.headers.get("content-type"))
    body = await _read(request, max_body_bytes)
    return await read_apart(body, read, parse_form if media_type == FORM else parse_json)


async def read_apart(
    body: bytes,
    read: Callable[[JsonValue], Body],
    parse: Callable[[bytes], JsonValue] = parse_json,
) -> Body:
    """A large body takes longer to read than running streams may wait for their next event."""
    if len(body) <= LARGE_BODY_BYTES:
        return read(parse(body))
    return await asyncio.to_thread(lambda: read(parse(body)))


def parse_form(body: bytes) -> JsonValue:
    """Each value as the JSON that it is the text of, or as that text.

    The published schema has forms beside JSON, and does not say how they hold lists and objects.
    Raises MalformedBody.
    """
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise MalformedBody(str(error)) from None
    return {name: _form_value(value) for name, value in pairs}


def _form_value(text: str) -> JsonValue:
    try:
        return parse_json(text.encode())
    except MalformedBody:
        return text


async def _read(request: Request, max_body_bytes: int) -> bytes:
    if _declared_bytes(request) > max_body_bytes:
        raise BodyTooLarge(max_body_bytes)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_body_bytes:
            raise BodyTooLarge(max_body_bytes)
    return bytes(body)


def _media_type(content_type: str | None) -> str:
    """A missing declaration is taken for JSON: what else would it be."""
    media_type = (content_type or "application/json").split(";")[0].strip().lower()
    if media_type not in ("application/json", FORM) and not media_type.endswith("+json"):
        raise UnsupportedMediaType(media_type)
    return media_type


def _declared_bytes(request: Request) -> int:
    """Without a usable Content-Length the bytes are counted as they come."""
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isdecimal() else 0
