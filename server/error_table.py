"""Every error that a client can be shown, as one table from exception to answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from antiphon.engine.errors import (
    EngineDied,
    EngineOverloaded,
    EngineUnavailable,
    GrammarFailed,
    InvalidPrompt,
    InvalidSamplingParams,
    PromptTooLong,
)
from antiphon.models.errors import ChatTemplateError, UnsupportedEffort
from antiphon.server.compaction.compactor import NothingSummarised
from antiphon.server.protocol.errors import (
    BodyTooLarge,
    ConnectionLimitReached,
    ConversationBusy,
    ErrorPayload,
    ErrorType,
    InvalidApiKey,
    InvalidParameter,
    MadeElsewhere,
    MalformedBody,
    ModelNotFound,
    NotCancellable,
    PreviousResponseNotFound,
    ReferencedItemNotFound,
    TooManyWaiting,
    UnsupportedMediaType,
    UnsupportedParameter,
)
from antiphon.server.store.errors import (
    ConversationNotFound,
    ItemNotFound,
    ResponseNotFound,
    StoreUnavailable,
    TooLargeToStore,
)


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """`param` is used where the exception itself names none."""

    status: int
    type: ErrorType
    code: str
    param: str | None = None

    @property
    def is_temporary(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.status in (429, 503)


UNEXPECTED = ErrorRow(500, "server_error", "server_error")

ERROR_TABLE: Mapping[type[Exception], ErrorRow] = MappingProxyType(
    {
        MalformedBody: ErrorRow(400, "invalid_request", "invalid_json"),
        InvalidParameter: ErrorRow(400, "invalid_request", "invalid_parameter"),
        UnsupportedParameter: ErrorRow(400, "invalid_request", "unsupported_parameter"),
        InvalidSamplingParams: ErrorRow(400, "invalid_request", "invalid_parameter"),
        InvalidPrompt: ErrorRow(400, "invalid_request", "invalid_prompt", "input"),
        ChatTemplateError: ErrorRow(400, "invalid_request", "chat_template_error", "input"),
        UnsupportedEffort: ErrorRow(400, "invalid_request", "unsupported_parameter"),
        PromptTooLong: ErrorRow(400, "invalid_request", "context_length_exceeded", "input"),
        PreviousResponseNotFound: ErrorRow(400, "invalid_request", "previous_response_not_found"),
        NotCancellable: ErrorRow(400, "invalid_request", "not_cancellable"),
        ConnectionLimitReached: ErrorRow(
            400, "invalid_request", "websocket_connection_limit_reached"
        ),
        InvalidApiKey: ErrorRow(401, "authentication_error", "invalid_api_key"),
        ReferencedItemNotFound: ErrorRow(404, "not_found", "item_not_found"),
        ItemNotFound: ErrorRow(404, "not_found", "item_not_found", "item_id"),
        ResponseNotFound: ErrorRow(404, "not_found", "response_not_found", "response_id"),
        ConversationNotFound: ErrorRow(404, "not_found", "conversation_not_found", "conversation"),
        MadeElsewhere: ErrorRow(409, "invalid_request", "response_in_progress"),
        ConversationBusy: ErrorRow(409, "invalid_request", "conversation_locked"),
        ModelNotFound: ErrorRow(404, "not_found", "model_not_found"),
        BodyTooLarge: ErrorRow(413, "invalid_request", "request_too_large"),
        UnsupportedMediaType: ErrorRow(415, "invalid_request", "unsupported_media_type"),
        TooManyWaiting: ErrorRow(429, "too_many_requests", "too_many_requests"),
        EngineOverloaded: ErrorRow(429, "too_many_requests", "too_many_requests"),
        TooLargeToStore: ErrorRow(413, "invalid_request", "too_large_to_store"),
        StoreUnavailable: ErrorRow(503, "server_error", "store_unavailable"),
        EngineUnavailable: ErrorRow(503, "server_error", "model_not_ready"),
        NothingSummarised: ErrorRow(500, "model_error", "nothing_summarised"),
        EngineDied: UNEXPECTED,
        GrammarFailed: UNEXPECTED,
    }
)


def error_row(error: Exception) -> ErrorRow:
    """The row of the error's class, or of the nearest class above it."""
    return next(
        (ERROR_TABLE[kind] for kind in type(error).__mro__ if kind in ERROR_TABLE), UNEXPECTED
    )


def error_payload(error: Exception) -> ErrorPayload:
    """What is told before an answer has begun."""
    row = error_row(error)
    is_known = any(kind in ERROR_TABLE for kind in type(error).__mro__)
    return ErrorPayload(
        type=row.type,
        code=row.code,
        message=str(error) if is_known else "The server failed unexpectedly; its log says why.",
        param=getattr(error, "param", None) or row.param,
    )


def failure_payload(error: Exception) -> ErrorPayload:
    """What is told when a response that has begun cannot go on: never the client's fault."""
    return ErrorPayload(
        type=UNEXPECTED.type,
        code=UNEXPECTED.code,
        message=error_payload(error).message,
        param=None,
    )
