"""JSON in and out, strictly: no NaN, no nesting that overflows the stack."""

import json
from typing import Any

import regex

ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
SURROGATE = regex.compile("[\ud800-\udfff]")
LEADING_ZEROS = regex.compile(r"(?P<sign>-?)0+(?P<number>\d+(?:\.\d+)?)")


def encoded(value: object) -> str:
    """Raises ValueError or TypeError for what JSON cannot hold."""
    return escape_surrogates(ENCODER.encode(value))


def quoted(text: str) -> str:
    return encoded(text)


def inside_string(text: str) -> str:
    """A text as it stands between the quotes of a JSON string."""
    return encoded(text)[1:-1]


def escape_surrogates(json_text: str) -> str:
    """Half a pair, which models write as an escape, cannot be sent as UTF-8: it stays an escape."""
    return SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", json_text)


def without_leading_zeros(text: str) -> str:
    """007 as the number it is meant to be; anything else as it is."""
    padded = LEADING_ZEROS.fullmatch(text)
    return padded["sign"] + padded["number"] if padded else text


def loads(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Raises ValueError for all that is no JSON."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("The JSON is nested too deeply.") from error


def is_json(text: str) -> bool:
    try:
        loads(text)
    except ValueError:
        return False
    return True


def is_json_object(text: str) -> bool:
    try:
        return isinstance(loads(text), dict)
    except ValueError:
        return False


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON.")
