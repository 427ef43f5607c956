"""What can go wrong in a benchmark, as one tree.

BenchError               the benchmark cannot be run; the message is one line for the user
├── NothingMeasured      it was interrupted before a request had ended
└── RequestFailed        one request failed; `str()` is the reason, short enough to count by
    └── RequestRefused   the server answered with a status other than 200; `status` holds it
"""


class BenchError(Exception):
    """The benchmark cannot be run."""


class NothingMeasured(BenchError):
    """The benchmark was interrupted before there was anything to report."""


class RequestFailed(BenchError):
    """One request brought no complete answer."""


class RequestRefused(RequestFailed):
    """The server refused one request before its stream began."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}" if message else f"HTTP {status}")
        self.status = status
