"""Text from outside never becomes a control token, whatever is written in it.

Where a message spells out a special token (`<|im_end|>`), a noncharacter is put into it before the
template is rendered. The prompt is then cut there and encoded piece by piece, so that the text
comes out as ordinary tokens and only the template's own special tokens are special.
"""

import itertools
import re
from collections.abc import Iterator
from typing import Any

from antiphon.models.errors import ChatTemplateError
from antiphon.models.tokenizer import Tokenizer
from antiphon.models.verbatim_json import VerbatimArray, VerbatimObject

# Unicode keeps these for use inside a program; they are never exchanged as text.
NONCHARACTERS = tuple(map(chr, range(0xFDD0, 0xFDF0)))


class UntrustedText:
    """What goes into one rendering. Nothing is changed where no special token is spelled out.

    values  everything the template is given that came from outside: JSON data.

    Raises ChatTemplateError for a text that also holds every noncharacter there is.
    """

    __slots__ = ("_cut", "_tokenizer")

    def __init__(self, tokenizer: Tokenizer, values: object) -> None:
        self._tokenizer = tokenizer
        self._cut: str | None = None
        if self._is_spelled_out_in(values):
            self._cut = _unused_noncharacter(values)

    def guarded(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        """The value with every special token in it cut in two."""
        return value if self._cut is None else self._guarded(value, self._cut)

    def text(self, rendered: str) -> str:
        """The prompt as it was meant."""
        return rendered if self._cut is None else rendered.replace(self._cut, "")

    def encode(self, rendered: str) -> list[int]:
        """The prompt's tokens."""
        pieces = [rendered] if self._cut is None else rendered.split(self._cut)
        return list(itertools.chain.from_iterable(map(self._tokenizer.encode, pieces)))

    def _guarded(self, value: Any, cut: str) -> Any:  # noqa: ANN401 - any JSON value
        match value:
            case str():
                return self._broken_up(value, cut)
            case VerbatimObject() | VerbatimArray() if not self._is_spelled_out_in(value):
                return value
            case dict():
                pairs = value.items()
                return {self._guarded(key, cut): self._guarded(inner, cut) for key, inner in pairs}
            case list() | tuple():
                return [self._guarded(inner, cut) for inner in value]
        return value

    def _broken_up(self, text: str, cut: str) -> str:
        """Cut behind the first character of each special token, also of those that overlap."""
        pieces, at = [], 0
        pattern = self._tokenizer.special_texts
        assert pattern is not None, "otherwise nothing was found to be cut"
        while found := pattern.search(text, at):
            pieces.append(text[at : found.start() + 1])
            at = found.start() + 1
        return cut.join([*pieces, text[at:]])

    def _is_spelled_out_in(self, value: object) -> bool:
        pattern = self._tokenizer.special_texts
        return pattern is not None and any(map(pattern.search, _strings(value)))


def _strings(value: object, *, is_written: bool = False) -> Iterator[str]:
    """is_written: the value lies within a source that was given already."""
    match value:
        case str():
            yield value
        case VerbatimObject() | VerbatimArray() if not is_written:
            yield value.source
            yield from _strings(value, is_written=True)
        case dict():
            for key, inner in value.items():
                yield key
                yield from _strings(inner, is_written=is_written)
        case list() | tuple():
            for inner in value:
                yield from _strings(inner, is_written=is_written)


def _unused_noncharacter(values: object) -> str:
    used: set[str] = set()
    for text in _strings(values):
        used |= set(re.findall("[\ufdd0-\ufdef]", text))
    unused = [character for character in NONCHARACTERS if character not in used]
    if not unused:
        raise ChatTemplateError("The text spells out special tokens and every noncharacter.")
    return unused[0]
