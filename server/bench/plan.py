"""What one benchmark run is asked to do."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from antiphon.server.bench.endpoint import EndpointName


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """The settings of one run, all of which end up in its report.

    concurrency      the levels, run one after the other; each keeps so many requests in flight.
    num_requests     requests per level.
    num_warmup       requests before the first level that are not reported.
    ignore_eos       ask the server to go on to `output_tokens` whatever the model samples.
    timeout_seconds  the longest silence on a connection.
    """

    base_url: str
    endpoint: EndpointName
    model: str | None
    concurrency: tuple[int, ...]
    prompt_tokens: int
    output_tokens: int
    num_requests: int
    prefix_tokens: int
    seed: int
    temperature: float
    ignore_eos: bool
    num_warmup: int
    timeout_seconds: float

    def __post_init__(self) -> None:
        highest = max(self.concurrency)
        if self.num_requests < highest:
            raise ValueError(
                f"{self.num_requests} requests never reach a concurrency of {highest}; "
                f"--requests must be at least {highest}"
            )


def parse_concurrency(text: str) -> tuple[int, ...]:
    """`"1,4,16"` as numbers. Raises ValueError unless all are whole and positive."""
    try:
        levels = tuple(int(level) for level in text.split(","))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a list of numbers such as 1,4,16") from error
    if min(levels) < 1:
        raise ValueError("every level must be at least 1")
    return levels


def server_root(base_url: str) -> str:
    """The address without a trailing slash or `/v1`, which clients' settings often have.

    Raises ValueError if it is no HTTP address.
    """
    address = urlsplit(base_url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError(f"{base_url!r} is not an address such as http://127.0.0.1:8000")
    return base_url.rstrip("/").removesuffix("/v1").rstrip("/")
