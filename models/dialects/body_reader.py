"""What stands between a call's tags: the dialect's own kind, or one that models slip into."""

from collections.abc import Callable
from functools import partial

import regex

from antiphon.models.dialects.call_writer import CallWriter
from antiphon.models.dialects.dialect import (
    Dialect,
    GemmaBody,
    HeaderJsonBody,
    JsonBody,
    TaggedBody,
)
from antiphon.models.dialects.gemma_calls import GemmaReader
from antiphon.models.dialects.json_calls import read_header_json_call, read_json_calls
from antiphon.models.dialects.pythonic_calls import read_pythonic_calls
from antiphon.models.dialects.tagged_calls import TaggedReader
from antiphon.models.dialects.tape import Malformed, Reading, Tape
from antiphon.models.dialects.tool_types import ToolTypes

LOOKS_LIKE_JSON = regex.compile(r"\s{0,64}\[?\s{0,64}\{")
BARE_OBJECT = regex.compile(r"\s{0,64}\{")
BARE_LIST = regex.compile(r"\s{0,64}[\[{]")
SURPLUS = regex.compile(r"\s{0,64}[\]}]")
ANY_JSON = JsonBody()
BARE_JSON = JsonBody(is_strict=True)

Reader = Callable[[Tape, CallWriter], Reading[None]]


class BodyReader:
    """Reads the calls of one dialect.

    A dialect whose calls are not JSON still understands JSON between its tags: both occur.
    """

    def __init__(self, dialect: Dialect, tools: ToolTypes, tape: Tape, calls: CallWriter) -> None:
        self._dialect = dialect
        self._tools = tools
        self._tape = tape
        self._calls = calls
        self._closing = _closing(dialect)
        self._read = _reader(dialect, tools)

    def read(self, marker: str) -> Reading[None]:
        """Opening tag, calls, closing tag. Raises Malformed."""
        self._take_opening(marker)
        if (yield from self._tape.match(LOOKS_LIKE_JSON)) is not None:
            yield from read_json_calls(self._tape, self._calls, self._json_body)
            yield from self._skip_surplus()
        else:
            yield from self._read(self._tape, self._calls)
        yield from self._tape.matched(self._closing)
        self._drop_begun_closing()

    def _drop_begun_closing(self) -> None:
        """The tokens ran out in the middle of the closing tag."""
        rest = self._tape.text[self._tape.at :].strip()
        if self._tape.is_cut_off and any(
            tags.close.startswith(rest) for tags in self._dialect.calls
        ):
            self._tape.take(len(self._tape.text))

    def can_begin_bare(self) -> Reading[bool]:
        """Whether what comes may be a call without any tag."""
        begins = BARE_LIST if self._dialect.starts_bare else BARE_OBJECT
        return (yield from self._tape.match(begins)) is not None

    def read_bare(self) -> Reading[None]:
        """Calls that nothing marks as calls. Raises Malformed."""
        if (yield from self._tape.match(LOOKS_LIKE_JSON)) is not None:
            yield from read_json_calls(self._tape, self._calls, BARE_JSON)
        else:
            yield from read_pythonic_calls(self._tape, self._calls, self._tools)
        if not self._calls.num_calls:
            raise Malformed

    @property
    def _json_body(self) -> JsonBody:
        body = self._dialect.body
        return body if isinstance(body, JsonBody) else ANY_JSON

    def _take_opening(self, marker: str) -> None:
        """Leave what already belongs to the call: all of it, or its first bracket."""
        if marker not in self._dialect.bare_calls:
            self._tape.take(self._tape.at + len(marker.removesuffix("[")))

    def _skip_surplus(self) -> Reading[None]:
        """Models write one closing bracket too many."""
        while (yield from self._tape.matched(SURPLUS)) is not None:
            pass


def _closing(dialect: Dialect) -> "regex.Pattern[str]":
    """White space in front of a call's closing tag belongs to the call; other is the text's."""
    closers = "|".join(regex.escape(tags.close) for tags in dialect.calls if tags.close)
    return regex.compile(rf"\s{{0,64}}(?:{closers or '(?!)'})")


def _reader(dialect: Dialect, tools: ToolTypes) -> Reader:
    match dialect.body:
        case TaggedBody() as body:
            return TaggedReader(dialect, body, tools).read
        case GemmaBody() as body:
            return GemmaReader(body).read
        case HeaderJsonBody() as body:
            return partial(read_header_json_call, body=body, tools=tools)
    return partial(read_pythonic_calls, tools=tools)
