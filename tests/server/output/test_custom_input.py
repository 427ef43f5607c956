"""A custom tool's text out of its JSON arguments, however these are cut into pieces."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.server.output.custom_input import CustomInput


def fed(*pieces: str) -> list[str]:
    decoder = CustomInput()
    return [decoder.feed(piece) for piece in pieces]


def read(json_text: str) -> str:
    return "".join(fed(json_text))


def test_text_comes_as_soon_as_it_is_certain() -> None:
    pieces = fed('{"inp', 'ut"', ' : "*** Beg', "in\\", "n\\u00e", '9"', "}")
    assert pieces == ["", "", "*** Beg", "in", "\n", "é", ""]


def test_two_halves_of_a_pair_are_one_character() -> None:
    assert fed('{"input":"', "\\ud8", "3d", "\\", "ude", "00", "!", '"}') == [
        "", "", "", "", "", "😀", "!", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("json_text", "text"),
    [
        ('{"other": {"input": "no"}, "list": ["input", "no"], "input": "yes"}', "yes"),
        ('{"input": "first", "input": "second"}', "first"),
        ('{"key": "input", "b": "no"}', ""),
        ('{"inpu\\u0074": "escaped key"}', "escaped key"),
        ('{"input": 5}', ""),
        ('{"input": {"input": "no"}}', ""),
        ("{}", ""),
        ('{"input": ""}', ""),
        ('{"input": "\\"{}[],:\\\\"}', '"{}[],:\\'),
        ('{"input": "\\ud83d alone"}', "\ufffd alone"),
        ('{"input": "\\ude00"}', "\ufffd"),
        ('{"input": "\\ud83d\\n"}', "\ufffd\n"),
        ('{"input": "\\x \\uZZ"}', "x uZZ"),
    ],
)
def test_only_the_property_itself_counts(json_text: str, text: str) -> None:
    assert read(json_text) == text
    assert "".join(fed(*json_text)) == text


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.booleans(),
    st.lists(st.integers(0, 200)),
    st.dictionaries(st.text().filter(lambda key: key != "input"), st.text() | st.lists(st.text())),
)
def test_any_text_cut_anywhere_is_read_as_json_reads_it(
    text: str, ensure_ascii: bool, cuts: list[int], others: dict[str, object]
) -> None:
    written = json.dumps({**others, "input": text}, ensure_ascii=ensure_ascii)
    places = sorted({0, len(written), *(cut for cut in cuts if cut < len(written))})
    pieces = [written[a:b] for a, b in itertools.pairwise(places)]
    assert "".join(fed(*pieces)) == text


def test_text_that_never_ends_is_shown_as_far_as_it_is_certain() -> None:
    assert read('{"input": "abc\\ud83d') == "abc"
