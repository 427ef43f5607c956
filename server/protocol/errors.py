"""Errors as clients see them: the body of a refusal, and what the server refuses on its own.

RequestRefused
├── MalformedBody          the body is not JSON
├── InvalidParameter       a field has the wrong type or value; `param` names it
│   └── NothingSaid        there is nothing to respond to
├── UnsupportedParameter   a field is known but not served; `param` names it
├── ModelNotFound          no such model is served here
├── PreviousResponseNotFound  what the request continues is not stored here
├── ReferencedItemNotFound    an item that the input refers to is not stored here
├── ConversationBusy       another response of the conversation is being made
├── MadeElsewhere          another server process is making the response
├── NotCancellable         only background responses can be cancelled
├── InvalidApiKey          the key is missing, or none of those that the server takes
├── TooManyWaiting         more requests wait on one WebSocket than the server keeps
├── ConnectionLimitReached  a WebSocket has lasted long enough
├── UnsupportedMediaType   the body is not declared as JSON
└── BodyTooLarge           the body is larger than the server takes
"""

from typing import Literal

from antiphon.server.protocol.wire_model import OutputModel

ErrorType = Literal[
    "invalid_request",
    "authentication_error",
    "not_found",
    "too_many_requests",
    "model_error",
    "server_error",
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


class NothingSaid(InvalidParameter):
    """The request stands on nothing that could be responded to."""

    def __init__(self) -> None:
        super().__init__("input", "'input' is required: there is nothing to respond to.")


class UnsupportedParameter(RequestRefused):
    """A field of the standard that is not served, or not with this value."""


class ModelNotFound(RequestRefused):
    """The request names a model that is not served."""

    def __init__(self, model: str) -> None:
        super().__init__("model", f"The model {model!r} does not exist on this server.")


class PreviousResponseNotFound(RequestRefused):
    """What the request continues is not stored here, or not any more."""

    def __init__(self, response_id: str, missing_id: str | None = None) -> None:
        reason = f"Previous response with id '{response_id}' not found."
        if missing_id is not None:
            reason += f" It continues '{missing_id}', which was deleted or has expired."
        super().__init__("previous_response_id", reason)


class ReferencedItemNotFound(RequestRefused):
    """An item that the input refers to is not stored here."""

    def __init__(self, param: str, item_id: str) -> None:
        super().__init__(param, f"Item with id '{item_id}' not found.")


class ConversationBusy(RequestRefused):
    """Two responses at once would each lack what the other says."""

    def __init__(self, conversation_id: str) -> None:
        message = f"Another response of the conversation '{conversation_id}' is being made."
        super().__init__("conversation", message)


class NotCancellable(RequestRefused):
    """A response in the foreground ends when its client leaves."""

    def __init__(self, response_id: str) -> None:
        message = f"The response '{response_id}' was not created with 'background': true."
        super().__init__("response_id", message)


class MadeElsewhere(RequestRefused):
    """Another server process is making the response: only that one can follow or end it."""

    def __init__(self, response_id: str) -> None:
        message = f"The response '{response_id}' is being made by another process of this server."
        super().__init__("response_id", message)


class InvalidApiKey(RequestRefused):
    """The key is missing, or none of those that the server takes."""

    def __init__(self) -> None:
        super().__init__(None, "Send a valid API key: 'Authorization: Bearer KEY'.")


class TooManyWaiting(RequestRefused):
    """Turns are made one after the other; what waits for its turn has to be kept."""

    def __init__(self) -> None:
        super().__init__(None, "Too many requests wait on this connection; wait for their ends.")


class ConnectionLimitReached(RequestRefused):
    """A WebSocket has lasted as long as it may."""

    def __init__(self, max_seconds: float) -> None:
        super().__init__(
            None,
            f"Responses websocket connection limit reached ({max_seconds / 60:g} minutes). "
            "Create a new websocket connection to continue.",
        )


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
