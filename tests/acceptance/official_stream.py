"""Server-sent events as the official suite reads them, which is not as a browser would.

It splits at line feeds alone, and what it knows of an event is forgotten wherever the network cut
the stream: an event whose empty line comes in a later piece than its data is lost.
"""

import codecs
import json
from typing import Any

DONE = "[DONE]"


class OfficialStream:
    """Fed with pieces as they came from the network.

    events  those that survived.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.is_done = False
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._unfinished_line = ""

    def feed(self, piece: bytes) -> None:
        text = self._unfinished_line + self._decoder.decode(piece)
        *lines, self._unfinished_line = text.split("\n")
        data = ""  # of this piece only
        for line in lines:
            if line.startswith("data: "):
                data = line.removeprefix("data: ").strip()
            elif line == "" and data:
                self._take(data)
                data = ""

    def _take(self, data: str) -> None:
        if data == DONE:
            self.is_done = True
        else:
            self.events.append(json.loads(data))
