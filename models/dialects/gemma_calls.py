"""Gemma's calls: `call:name{city:<|"|>Oslo<|"|>,days:2}`, turned into JSON as they come."""

import regex

from antiphon.models.dialects.call_writer import CallWriter
from antiphon.models.dialects.dialect import GemmaBody
from antiphon.models.dialects.json_scanner import MAX_DEPTH, read_json
from antiphon.models.dialects.json_text import inside_string, loads, quoted
from antiphon.models.dialects.markers import Markers
from antiphon.models.dialects.tape import Ended, Malformed, Reading, Tape

HEADER = regex.compile(r"\s{0,64}:?call:\s{0,8}(?P<name>[^{}\s<]{1,256})\s{0,8}(?=\{)")
BARE = regex.compile(r"[^,\]}:\n\[{<]{1,4096}+(?=[,\]}:\n\[{<])")
MAX_KEY_CHARS = 256


class GemmaReader:
    """Reads the calls of a dialect whose strings stand between two quote tokens."""

    def __init__(self, body: GemmaBody) -> None:
        self._quote = Markers([body.quote])

    def read(self, tape: Tape, calls: CallWriter) -> Reading[None]:
        """One call, or several between one pair of tags. Raises Malformed."""
        header = yield from tape.matched(HEADER)
        if header is None:
            raise tape.missing(HEADER)
        while header is not None:
            calls.start(header["name"])
            yield from self._object(tape, calls, depth=1)
            calls.finish()
            header = yield from tape.matched(HEADER)

    def _value(self, tape: Tape, calls: CallWriter, depth: int) -> Reading[None]:
        if depth > MAX_DEPTH:
            raise Malformed
        character = yield from tape.skip_space()
        if (yield from self._quote.taken(tape)):
            yield from self._string(tape, calls)
        elif character == "{":
            yield from self._object(tape, calls, depth + 1)
        elif character == "[":
            yield from self._array(tape, calls, depth + 1)
        elif character == '"':
            yield from read_json(tape, calls.write)
        else:
            calls.write(_bare_value((yield from self._bare(tape))))

    def _object(self, tape: Tape, calls: CallWriter, depth: int) -> Reading[None]:
        yield from tape.expect("{")
        calls.write("{")
        separator = ""
        while (yield from _skip_commas(tape)) != "}":
            calls.write(separator + quoted((yield from self._key(tape))))
            yield from tape.expect(":")
            calls.write(": ")
            yield from self._value(tape, calls, depth)
            separator = ", "
        tape.take(tape.at + 1)
        calls.write("}")

    def _array(self, tape: Tape, calls: CallWriter, depth: int) -> Reading[None]:
        yield from tape.expect("[")
        calls.write("[")
        separator = ""
        while (yield from _skip_commas(tape)) != "]":
            calls.write(separator)
            yield from self._value(tape, calls, depth)
            separator = ", "
        tape.take(tape.at + 1)
        calls.write("]")

    def _string(self, tape: Tape, calls: CallWriter) -> Reading[None]:
        calls.write('"')
        while True:
            found = self._quote.find(tape)
            end = found[0] if found else self._quote.safe_end(tape)
            calls.write(inside_string(tape.take(end)))
            if found:
                tape.take(found[1])
                calls.write('"')
                return
            if tape.is_ended:
                raise Ended
            yield

    def _key(self, tape: Tape) -> Reading[str]:
        """Bare as a rule; models also quote keys that hold punctuation."""
        if (yield from self._quote.taken(tape)):
            return (yield from self._quoted_key(tape))
        key = (yield from self._bare(tape)).strip().strip('"')
        if not key:
            raise Malformed
        return key

    def _quoted_key(self, tape: Tape) -> Reading[str]:
        characters: list[str] = []
        while not (yield from self._quote.taken(tape)):
            characters.append((yield from tape.next()))
            if len(characters) > MAX_KEY_CHARS:
                raise Malformed
        return "".join(characters)

    def _bare(self, tape: Tape) -> Reading[str]:
        bare = yield from tape.matched(BARE)
        if bare is None:
            raise tape.missing(BARE)
        return bare[0]


def _bare_value(text: str) -> str:
    """A number or a word as it stands; anything else can only have been meant as a string."""
    text = text.strip()
    try:
        loads(text)
    except ValueError:
        words = {"none": "null", "true": "true", "false": "false", "null": "null"}
        return words.get(text.lower(), quoted(text))
    return text


def _skip_commas(tape: Tape) -> Reading[str]:
    while (character := (yield from tape.skip_space())) == ",":
        tape.take(tape.at + 1)
    if not character:
        raise Ended
    return character
