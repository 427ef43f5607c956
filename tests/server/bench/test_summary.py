"""From measurements to the numbers of a level."""

import pytest

from antiphon.server.bench.measurement import Measurement, TokenSource
from antiphon.server.bench.summary import Percentiles, percentile, percentiles_ms, summarize


def answered(started_at: float, *text_times: float, tokens: int = 10) -> Measurement:
    return Measurement(
        started_at=started_at,
        ended_at=text_times[-1],
        text_times=text_times,
        output_tokens=tokens,
        token_source=TokenSource.USAGE,
        input_tokens=100,
        cached_tokens=20,
    )


def failed(started_at: float, ended_at: float, reason: str) -> Measurement:
    return Measurement(started_at, ended_at, error=reason)


def test_rates_are_of_the_time_from_first_request_to_last_answer() -> None:
    level = summarize(2, 3, [answered(10, 11, 12), answered(10.5, 12, 14), answered(12, 13, 15)])
    assert level.duration_seconds == 5
    assert level.output_tokens == 30
    assert level.output_tokens_per_second == 6
    assert level.requests_per_second == pytest.approx(0.6)
    assert level.is_complete


def test_latencies_are_in_milliseconds_and_gaps_are_of_all_requests() -> None:
    level = summarize(1, 2, [answered(0, 0.1, 0.2, 0.4), answered(1, 1.3, 1.6)])
    assert level.ttft_ms is not None
    assert level.ttft_ms.p50 == pytest.approx(200)
    assert level.inter_token_ms is not None
    assert level.inter_token_ms.p50 == pytest.approx(200)
    assert level.inter_token_ms.p99 == pytest.approx(298)


def test_failures_are_counted_by_reason_and_their_time_is_part_of_the_level() -> None:
    level = summarize(1, 4, [answered(0, 1), failed(1, 9, "HTTP 500"), failed(9, 10, "HTTP 500")])
    assert (level.num_requests, level.num_completed) == (3, 1)
    assert level.errors == {"HTTP 500": 2}
    assert level.output_tokens_per_second == 1
    assert level.ttft_ms == Percentiles(1000, 1000, 1000)
    assert not level.is_complete


def test_a_level_without_an_answer_has_no_latencies() -> None:
    level = summarize(1, 1, [failed(0, 1, "gone")])
    assert (level.ttft_ms, level.inter_token_ms, level.mean_input_tokens) == (None, None, None)
    assert level.output_tokens_per_second == 0


def test_means_and_tokens_per_delta_come_from_complete_answers() -> None:
    level = summarize(1, 2, [answered(0, 1, 2, tokens=6), answered(0, 1, 2, tokens=10)])
    assert (level.mean_input_tokens, level.mean_cached_tokens) == (100, 20)
    assert level.mean_output_tokens == 8
    assert level.tokens_per_delta == 4
    assert level.token_sources == (TokenSource.USAGE,)


def test_an_answer_without_text_counts_but_has_no_latency() -> None:
    silent = Measurement(0, 1, output_tokens=3, token_source=TokenSource.USAGE)
    level = summarize(1, 1, [silent])
    assert (level.num_completed, level.ttft_ms, level.tokens_per_delta) == (1, None, None)


def test_percentiles_lie_between_the_nearest_ranks() -> None:
    assert percentile([1.0], 0.99) == 1
    assert percentile([1.0, 2.0], 0.5) == 1.5
    assert percentile([0.0, 10.0, 20.0, 30.0, 40.0], 0.95) == pytest.approx(38)


def test_percentiles_of_nothing_are_none() -> None:
    assert percentiles_ms([]) is None
