"""A custom tool's text, out of the JSON arguments in which the model writes it, while they come.

Pure text: every character is looked at once, and a piece may end anywhere.
"""

import json
import re
from enum import Enum, auto

from antiphon.server.offered_tool import CUSTOM_INPUT

STRUCTURE = re.compile(r'["{}\[\]:,]')
RUN = re.compile(r'[^"\\]+')
ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.", re.DOTALL
)
# What may become another escape with the next characters: half of one, or half of a pair.
UNFINISHED = re.compile(
    r"\\(?:u[0-9a-fA-F]{0,3})?\Z"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?\Z"
)
REPLACEMENT = "\ufffd"


class JsonString:
    """The text of one JSON string, from behind its opening quote on."""

    __slots__ = ("_held", "is_closed")

    def __init__(self) -> None:
        self._held = ""
        self.is_closed = False

    def feed(self, piece: str, at: int) -> tuple[str, int]:
        """The text in piece[at:] that is certain, and where the string ends or the piece does."""
        text = self._held + piece[at:]
        end, decoded = 0, []
        while end < len(text) and not self.is_closed:
            if UNFINISHED.match(text, end):
                break
            token = RUN.match(text, end) or ESCAPE.match(text, end)
            decoded.append(_decoded(token[0]) if token else "")
            self.is_closed = token is None
            end = token.end() if token else end + 1
        self._held = "" if self.is_closed else text[end:]
        behind = len(text) - end if self.is_closed else 0
        return "".join(decoded), len(piece) - behind


class _Meaning(Enum):
    """What the string that is being read is."""

    KEY = auto()
    INPUT = auto()
    OTHER = auto()


class CustomInput:
    """The value of the arguments' property `input`, if it is a string."""

    __slots__ = ("_depth", "_expects_key", "_is_found", "_key", "_meaning", "_string")

    def __init__(self) -> None:
        self._depth = 0
        self._expects_key = False
        self._key = ""
        self._string: JsonString | None = None
        self._meaning = _Meaning.OTHER
        self._is_found = False

    def feed(self, json_text: str) -> str:
        """What is certain of the text after another piece of the arguments."""
        at, found = 0, []
        while at < len(json_text):
            if self._string is None:
                at = self._outside(json_text, at)
            else:
                text, at = self._string.feed(json_text, at)
                found.append(self._inside(self._string, text))
        return "".join(found)

    def _outside(self, json_text: str, at: int) -> int:
        token = STRUCTURE.search(json_text, at)
        if token is None:
            return len(json_text)
        match token[0]:
            case '"':
                self._begin_string()
            case "{" | "[":
                self._depth += 1
                self._expects_key = True
            case "}" | "]":
                self._depth -= 1
            case character:
                self._expects_key = character == ","
        return token.end()

    def _begin_string(self) -> None:
        self._string = JsonString()
        self._meaning = _Meaning.OTHER
        if self._depth == 1 and self._expects_key:
            self._meaning, self._key = _Meaning.KEY, ""
        elif self._depth == 1 and self._key == CUSTOM_INPUT and not self._is_found:
            self._meaning, self._is_found = _Meaning.INPUT, True

    def _inside(self, string: JsonString, text: str) -> str:
        if string.is_closed:
            self._string = None
        if self._meaning is _Meaning.KEY:
            self._key += text
        return text if self._meaning is _Meaning.INPUT else ""


def _decoded(token: str) -> str:
    """A run of plain characters, or an escape; a broken one stands for its own characters."""
    if not token.startswith("\\"):
        return token
    try:
        text: str = json.loads(f'"{token}"')
    except ValueError:
        return token[1:]
    return REPLACEMENT if "\ud800" <= text <= "\udfff" else text
