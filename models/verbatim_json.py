"""JSON that remembers how it was written, so that a template writes it the same way again.

A call goes back into the prompt with every later turn, and the prompt's cached prefix ends at the
first token that differs: another space behind a colon, `1.0` for `1.00`.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, NoReturn

SPACE = re.compile(r"[ \t\n\r]*")


class VerbatimObject(dict[str, Any]):
    """A JSON object; `source` is its text."""

    __slots__ = ("_span",)

    def __init__(self, members: Iterable[tuple[str, Any]], span: tuple[str, int, int]) -> None:
        super().__init__(members)
        self._span = span

    @property
    def source(self) -> str:
        text, start, end = self._span
        return text[start:end]


class VerbatimArray(list[Any]):
    """A JSON array; `source` is its text."""

    __slots__ = ("_span",)

    def __init__(self, elements: Iterable[Any], span: tuple[str, int, int]) -> None:
        super().__init__(elements)
        self._span = span

    @property
    def source(self) -> str:
        text, start, end = self._span
        return text[start:end]


class VerbatimFloat(float):
    """A number with a fraction or an exponent; `source` is its text."""

    __slots__ = ("source",)

    source: str

    def __new__(cls, source: str) -> "VerbatimFloat":
        number = super().__new__(cls, source)
        number.source = source
        return number

    def __repr__(self) -> str:
        return self.source


def read_object(text: str) -> VerbatimObject:
    """Raises ValueError for what is no JSON object, or holds half a surrogate pair."""
    try:
        json.loads(text, parse_constant=_refuse)
        value, _ = _value(text, _skip(text, 0))
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("It is nested too deeply.") from None
    if not isinstance(value, VerbatimObject):
        raise ValueError("It is not an object.")
    return value


def write_json(value: object) -> str:
    """As json.dumps writes it, but for the parts that remember how they were written."""
    match value:
        case VerbatimObject() | VerbatimArray() | VerbatimFloat():
            return value.source
        case dict() if holds_source(value):
            members = (f"{_scalar(str(key))}: {write_json(inner)}" for key, inner in value.items())
            return f"{{{', '.join(members)}}}"
        case list() | tuple() if holds_source(value):
            return f"[{', '.join(map(write_json, value))}]"
    return _scalar(value)


def holds_source(value: object) -> bool:
    """Whether anything in it remembers how it was written."""
    match value:
        case VerbatimObject() | VerbatimArray() | VerbatimFloat():
            return True
        case dict():
            return any(map(holds_source, value.values()))
        case list() | tuple():
            return any(map(holds_source, value))
    return False


# The readers below walk over a text that is known to be JSON: they check nothing.
_SCALARS = json.JSONDecoder(parse_float=VerbatimFloat)


def _value(text: str, at: int) -> tuple[Any, int]:
    match text[at]:
        case "{":
            return _object(text, at)
        case "[":
            return _array(text, at)
    return _SCALARS.raw_decode(text, at)


def _object(text: str, start: int) -> tuple[VerbatimObject, int]:
    members: list[tuple[str, Any]] = []
    at = _skip(text, start + 1)
    while text[at] != "}":
        key, at = _value(text, _skip(text, at + 1) if text[at] == "," else at)
        value, at = _value(text, _skip(text, _skip(text, at) + 1))
        members.append((key, value))
        at = _skip(text, at)
    return VerbatimObject(members, (text, start, at + 1)), at + 1


def _array(text: str, start: int) -> tuple[VerbatimArray, int]:
    elements: list[Any] = []
    at = _skip(text, start + 1)
    while text[at] != "]":
        element, at = _value(text, _skip(text, at + 1) if text[at] == "," else at)
        elements.append(element)
        at = _skip(text, at)
    return VerbatimArray(elements, (text, start, at + 1)), at + 1


def _skip(text: str, at: int) -> int:
    """Over white space."""
    found = SPACE.match(text, at)
    return found.end() if found else at


def _scalar(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON.")
