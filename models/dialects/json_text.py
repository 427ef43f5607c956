"""JSON in and out, strictly: no NaN, no nesting that overflows the stack."""

import json
from typing import Any

ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def quoted(text: str) -> str:
    return ENCODER.encode(text)


def inside_string(text: str) -> str:
    """A text as it stands between the quotes of a JSON string."""
    return ENCODER.encode(text)[1:-1]


def loads(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Raises ValueError for all that is no JSON."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("The JSON is nested too deeply.") from error


def is_json_object(text: str) -> bool:
    try:
        return isinstance(loads(text), dict)
    except ValueError:
        return False


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON.")
