"""Reading server-sent events, however they are written and cut."""

import pytest

from antiphon.server.bench.sse_client import SseDecoder, SseEvent

STREAM = (
    "\ufeff: a comment\n"
    'event: first\ndata: {"a":\ndata: 1}\n\n'
    "data:no space\n\n"
    "id: 7\nretry: 10\n\n"
    "event: named without data\n\n"
    "data: grüße, 世界 \N{MUSICAL SYMBOL G CLEF}\n\n"
    "data\n\n"
    "data: a\x0bb\x85c\u2028d\n\n"
    "data: [DONE]\n\n"
)
EVENTS = [
    SseEvent("first", '{"a":\n1}'),
    SseEvent("", "no space"),
    SseEvent("", "grüße, 世界 \N{MUSICAL SYMBOL G CLEF}"),
    SseEvent("", ""),
    SseEvent("", "a\x0bb\x85c\u2028d"),
    SseEvent("", "[DONE]"),
]


def decode(chunks: list[bytes]) -> list[SseEvent]:
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_stream_read_whole_gives_its_events(newline: str) -> None:
    assert decode([STREAM.replace("\n", newline).encode()]) == EVENTS


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_stream_cut_in_two_anywhere_gives_the_same_events(newline: str) -> None:
    stream = STREAM.replace("\n", newline).encode()
    for cut in range(len(stream)):
        assert decode([stream[:cut], stream[cut:]]) == EVENTS


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_stream_of_single_bytes_gives_the_same_events(newline: str) -> None:
    stream = STREAM.replace("\n", newline).encode()
    assert decode([stream[i : i + 1] for i in range(len(stream))]) == EVENTS


def test_empty_chunks_change_nothing() -> None:
    assert decode([b"", b"data: a\r", b"", b"\n\r", b"", b"\ndata: b\n\n"]) == [
        SseEvent("", "a"),
        SseEvent("", "b"),
    ]


def test_an_event_comes_with_the_byte_that_completes_it() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r\n") == []
    assert decoder.feed(b"\r") == [SseEvent("", "a")]


def test_an_event_cut_off_by_the_end_is_not_given() -> None:
    assert decode([b"data: a\n\ndata: b\n"]) == [SseEvent("", "a")]


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    assert decode([b"data: \xff\n\n"]) == [SseEvent("", "\N{REPLACEMENT CHARACTER}")]
