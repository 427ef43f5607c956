"""Texts of files that were read before: a conversation brings its files again at every turn."""

import sys
from collections import OrderedDict


class TextCache:
    """Texts by the digest of their file; the least recently used ones go when there is no room."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._texts: OrderedDict[bytes, str] = OrderedDict()
        self.num_bytes = 0

    def get(self, digest: bytes) -> str | None:
        text = self._texts.get(digest)
        if text is not None:
            self._texts.move_to_end(digest)
        return text

    def put(self, digest: bytes, text: str) -> None:
        """One that is larger than the whole bound is not kept."""
        if sys.getsizeof(text) > self._max_bytes:
            return
        self._forget(self._texts.pop(digest, None))
        self._texts[digest] = text
        self.num_bytes += sys.getsizeof(text)
        while self.num_bytes > self._max_bytes:
            self._forget(self._texts.popitem(last=False)[1])

    def _forget(self, text: str | None) -> None:
        if text is not None:
            self.num_bytes -= sys.getsizeof(text)
