import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.models.stop_strings import StopStrings


def shown(stops: tuple[str, ...], pieces: list[str]) -> tuple[str, str | None]:
    stop_strings = StopStrings(stops)
    text = "".join([stop_strings.feed(piece) for piece in pieces])
    return text + stop_strings.finish(), stop_strings.matched


def reference(stops: tuple[str, ...], text: str) -> tuple[str, str | None]:
    """The definition, spelled out: the first end at which any stop is complete, longest first."""
    for end in range(len(text) + 1):
        for stop in sorted(stops, key=len, reverse=True):
            if text[:end].endswith(stop):
                return text[: end - len(stop)], stop
    return text, None


@pytest.mark.parametrize(
    ("stops", "text", "expected"),
    [
        ((), "all of it", ("all of it", None)),
        (("###",), "before###after", ("before", "###")),
        (("###",), "before##", ("before##", None)),
        (("Observation:", "\n\n"), "a\n\nObservation:", ("a", "\n\n")),
        (("bc", "abcd"), "xabcd", ("xa", "bc")),
        (("b", "ab"), "xab", ("x", "ab")),
        (("aab",), "aaab", ("a", "aab")),
        (("🦜",), "x🦜y", ("x", "🦜")),
        (("a",), "a", ("", "a")),
    ],
)
def test_the_text_ends_before_the_stop(
    stops: tuple[str, ...], text: str, expected: tuple[str, str | None]
) -> None:
    assert shown(stops, [text]) == expected
    assert shown(stops, list(text)) == expected


@given(
    stops=st.lists(st.text("ab", min_size=1, max_size=4), max_size=3).map(tuple),
    pieces=st.lists(st.text("abc", max_size=4), max_size=8),
)
def test_any_split_gives_the_text_up_to_the_first_stop(
    stops: tuple[str, ...], pieces: list[str]
) -> None:
    assert shown(stops, pieces) == reference(stops, "".join(pieces))


def test_only_what_may_become_a_stop_is_held_back() -> None:
    stop_strings = StopStrings(("</end>",))
    assert stop_strings.feed("text <") == "text "
    assert stop_strings.feed("/e") == ""
    assert stop_strings.feed("x") == "</ex"
    assert stop_strings.matched is None


def test_nothing_is_shown_after_the_stop() -> None:
    stop_strings = StopStrings(("stop",))
    assert stop_strings.feed("one stop two") == "one "
    assert stop_strings.feed("three") == ""
    assert stop_strings.finish() == ""


def test_an_empty_stop_string_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        StopStrings(("",))
