"""What time it is, as a seam: tests bring a clock that stands still."""

import time
from typing import Protocol


class Clock(Protocol):
    def unix_seconds(self) -> int: ...


class SystemClock:
    """The machine's own clock."""

    def unix_seconds(self) -> int:
        return int(time.time())
