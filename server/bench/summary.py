"""The numbers of one concurrency level, from its requests' measurements."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from antiphon.server.bench.measurement import Measurement, TokenSource


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of one kind of latency, in milliseconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class LevelSummary:
    """One level. Rates and latencies are of complete answers only; failures are counted by reason.

    duration_seconds     from the first request sent to the last answer ended, failures included.
    ttft_ms              sending a request to its first text delta.
    inter_token_ms       one text delta to the next, over all requests of the level.
    is_complete          False when the level was interrupted.
    """

    concurrency: int
    num_requests: int
    num_completed: int
    errors: dict[str, int]
    is_complete: bool
    duration_seconds: float
    output_tokens: int
    token_sources: tuple[TokenSource, ...]
    output_tokens_per_second: float
    requests_per_second: float
    mean_input_tokens: float | None
    mean_cached_tokens: float | None
    mean_output_tokens: float | None
    tokens_per_delta: float | None
    ttft_ms: Percentiles | None
    inter_token_ms: Percentiles | None


def summarize(concurrency: int, expected: int, measurements: Sequence[Measurement]) -> LevelSummary:
    """`expected` is the number of requests the level was to have; `measurements` is not empty."""
    completed = [measurement for measurement in measurements if measurement.error is None]
    started_at = min(measurement.started_at for measurement in measurements)
    duration = max(measurement.ended_at for measurement in measurements) - started_at
    output_tokens = sum(measurement.output_tokens for measurement in completed)
    return LevelSummary(
        concurrency=concurrency,
        num_requests=len(measurements),
        num_completed=len(completed),
        errors=dict(Counter(m.error for m in measurements if m.error is not None)),
        is_complete=len(measurements) == expected,
        duration_seconds=duration,
        output_tokens=output_tokens,
        token_sources=tuple(sorted({measurement.token_source for measurement in completed})),
        output_tokens_per_second=_rate(output_tokens, duration),
        requests_per_second=_rate(len(completed), duration),
        mean_input_tokens=_mean(m.input_tokens for m in completed),
        mean_cached_tokens=_mean(m.cached_tokens for m in completed),
        mean_output_tokens=_mean(m.output_tokens for m in completed),
        tokens_per_delta=_tokens_per_delta(completed),
        ttft_ms=percentiles_ms(m.ttft_seconds for m in completed if m.ttft_seconds is not None),
        inter_token_ms=percentiles_ms(gap for m in completed for gap in m.gap_seconds),
    )


def percentiles_ms(seconds: Iterable[float]) -> Percentiles | None:
    """None without values."""
    ordered = sorted(seconds)
    if not ordered:
        return None
    p50, p95, p99 = (1000 * percentile(ordered, fraction) for fraction in (0.5, 0.95, 0.99))
    return Percentiles(p50, p95, p99)


def percentile(ordered: Sequence[float], fraction: float) -> float:
    """Linear between the two nearest ranks (Hyndman and Fan, 1996, definition 7)."""
    rank = fraction * (len(ordered) - 1)
    below, above = ordered[math.floor(rank)], ordered[math.ceil(rank)]
    return below + (above - below) * (rank - math.floor(rank))


def _tokens_per_delta(completed: Sequence[Measurement]) -> float | None:
    num_deltas = sum(len(m.text_times) for m in completed)
    return sum(m.output_tokens for m in completed) / num_deltas if num_deltas else None


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0


def _mean(values: Iterable[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
