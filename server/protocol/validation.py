"""From posted bytes to a request, once; an error names the field as the client wrote it.

Nothing of pydantic's inside (the names of union branches, the order in which they were tried)
shows in an error.
"""

import logging
from collections.abc import Mapping
from typing import TypeVar

from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails, from_json

from antiphon.server.protocol.errors import InvalidParameter, MalformedBody
from antiphon.server.protocol.queries import QueryModel
from antiphon.server.protocol.requests import CreateResponseBody
from antiphon.server.protocol.unsupported import UnsupportedTools, refuse_unsupported
from antiphon.server.protocol.wire_model import InputModel

logger = logging.getLogger(__name__)


Body = TypeVar("Body", bound=InputModel)


def read_create_response(posted: JsonValue, tools: UnsupportedTools) -> CreateResponseBody:
    """Raises UnsupportedParameter or InvalidParameter.

    tools  what becomes of tools that the server would have to run.
    """
    refuse_unsupported(posted, tools)
    return read_body(CreateResponseBody, posted)


def read_body(kind: type[Body], posted: JsonValue) -> Body:
    """Raises InvalidParameter."""
    try:
        body = kind.model_validate(posted)
    except ValidationError as error:
        raise invalid_parameter(error, posted) from None
    _log_unknown_keys(kind, posted)
    return body


Query = TypeVar("Query", bound=QueryModel)


def read_query(kind: type[Query], posted: Mapping[str, str]) -> Query:
    """Raises InvalidParameter."""
    try:
        return kind.model_validate(dict(posted))
    except ValidationError as error:
        raise invalid_parameter(error, dict(posted)) from None


def parse_json(body: bytes) -> JsonValue:
    """Raises MalformedBody, also for NaN, broken UTF-8, lone surrogates and very deep nesting."""
    try:
        # What one request says is not kept for the next: only names of fields come again.
        posted: JsonValue = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise MalformedBody(str(error)) from None
    return posted


def invalid_parameter(error: ValidationError, posted: JsonValue) -> InvalidParameter:
    """The first thing that is wrong, as one sentence and one param."""
    first = error.errors(include_url=False, include_input=False)[0]
    param = posted_path(first, posted)
    return InvalidParameter(param or None, f"{_subject(param)} {_complaint(first)}.")


def posted_path(details: ErrorDetails, posted: JsonValue) -> str:
    """Where in the posted body the error lies, such as `input[0].content[1].text`.

    `loc` also holds names of union branches: a step is one of ours only if the body has it, or if
    it is the missing key itself.
    """
    path, value = "", posted
    for step in details["loc"]:
        if isinstance(value, list) and isinstance(step, int):
            path, value = f"{path}[{step}]", value[step]
        elif isinstance(value, dict) and step in value:
            path, value = f"{path}.{step}", value[str(step)]
    if details["type"] == "missing":
        path = f"{path}.{details['loc'][-1]}"
    return path.lstrip(".")


def _subject(param: str) -> str:
    return f"'{param}'" if param else "The request body"


def _complaint(details: ErrorDetails) -> str:
    match details["type"]:
        case "missing":
            return "is required"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "should be an object"
    return details["msg"].replace("Input should", "should").replace("String should", "should")


def _log_unknown_keys(kind: type[InputModel], posted: JsonValue) -> None:
    if logger.isEnabledFor(logging.DEBUG) and isinstance(posted, dict):
        unknown = sorted(posted.keys() - kind.model_fields.keys())
        if unknown:
            logger.debug("Ignored unknown request keys: %s", ", ".join(unknown))
