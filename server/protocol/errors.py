"""Errors as clients see them: the body of a refusal, and what the server refuses on its own.

RequestRefused
├── MalformedBody          the body is not JSON
├── InvalidParameter       a field has the wrong type or value; `param` names it
├── UnsupportedParameter   a field is known but not served; `param` names it
├── ModelNotFound          no such model is served here
├── UnsupportedMediaType   the body is not declared as JSON
└── BodyTooLarge           the body is larger than the server takes
"""

from typing import Literal

from antiphon.server.protocol.wire_model import OutputModel

ErrorType = Literal[
    "invalid_request", "not_found", "too_many_requests", "model_error", "server_error"
]


class ErrorPayload(OutputModel):
    """One error, in a body or in a stream."""

    type: ErrorType
    code: str | None
    message: str
    param: str | None


class ErrorBody(OutputModel):
    """The body of every answer that is not a success."""

    error: ErrorPayload


class RequestRefused(Exception):
    """Base of what the server itself refuses; `param` names the field at fault, if there is one."""

    def __init__(self, param: str | None, message: str) -> None:
        super().__init__(message)
        self.param = param


class MalformedBody(RequestRefused):
    """The body is not JSON that can be taken: also NaN, half a surrogate pair, too deep nesting."""

    def __init__(self, reason: str) -> None:
        super().__init__(None, f"The request body is not valid JSON: {reason}.")


class InvalidParameter(RequestRefused):
    """A field has the wrong type or a value out of range."""


class UnsupportedParameter(RequestRefused):
    """A field of the standard that is not served, or not with this value."""


class ModelNotFound(RequestRefused):
    """The request names a model that is not served."""

    def __init__(self, model: str) -> None:
        super().__init__("model", f"The model {model!r} does not exist on this server.")


class UnsupportedMediaType(RequestRefused):
    """The body is declared as something else than JSON."""

    def __init__(self, media_type: str) -> None:
        super().__init__(
            None, f"Send the body as application/json; {media_type!r} is not understood."
        )


class BodyTooLarge(RequestRefused):
    """The body is larger than the server takes."""

    def __init__(self, max_body_bytes: int) -> None:
        super().__init__(None, f"The request body is larger than {max_body_bytes} bytes.")
