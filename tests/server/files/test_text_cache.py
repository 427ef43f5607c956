"""Texts that are kept, and which of them go first."""

import sys

from antiphon.server.files.text_cache import TextCache

TEXT = "x" * 100
SIZE = sys.getsizeof(TEXT)


def test_least_recently_used_text_goes_when_there_is_no_room() -> None:
    cache = TextCache(2 * SIZE)
    cache.put(b"1", TEXT)
    cache.put(b"2", TEXT)
    assert cache.get(b"1") == TEXT
    cache.put(b"3", TEXT)
    assert [cache.get(key) is not None for key in (b"1", b"2", b"3")] == [True, False, True]


def test_text_that_is_larger_than_the_bound_moves_nothing() -> None:
    cache = TextCache(2 * SIZE)
    cache.put(b"1", TEXT)
    cache.put(b"2", TEXT * 3)
    assert cache.get(b"1") == TEXT
    assert cache.get(b"2") is None


def test_text_that_is_put_twice_counts_once() -> None:
    cache = TextCache(2 * SIZE)
    for _ in range(3):
        cache.put(b"1", TEXT)
    assert cache.num_bytes == SIZE
    cache.put(b"2", TEXT)
    assert cache.get(b"1") == TEXT
