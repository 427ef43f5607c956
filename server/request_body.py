"""The bytes of a request: declared as JSON, and not more of them than agreed."""

from starlette.requests import Request

from antiphon.server.protocol.errors import BodyTooLarge, UnsupportedMediaType


async def read_json_body(request: Request, max_body_bytes: int) -> bytes:
    """Raises UnsupportedMediaType or BodyTooLarge, the latter before more than that is held."""
    _require_json(request.headers.get("content-type"))
    if _declared_bytes(request) > max_body_bytes:
        raise BodyTooLarge(max_body_bytes)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_body_bytes:
            raise BodyTooLarge(max_body_bytes)
    return bytes(body)


def _require_json(content_type: str | None) -> None:
    """A missing declaration is taken for JSON: what else would it be."""
    media_type = (content_type or "application/json").split(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType(media_type)


def _declared_bytes(request: Request) -> int:
    """Without a usable Content-Length the bytes are counted as they come."""
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isdecimal() else 0
