"""What `bench_engine` found: medians of each case, and ratios of cases that ran in one round."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

from benchmarks.rates import Rates, Ratio
from benchmarks.report import make_table, number


@dataclass(frozen=True, slots=True)
class EngineResult:
    """Rates of each case, round by round.

    levels           by concurrency; 1 is the engine one by one.
    generate         transformers.generate one by one; None when it was left out.
    single_requests  how many requests those two ran.
    """

    levels: Mapping[int, Sequence[Rates]]
    generate: Sequence[Rates] | None
    single_requests: int

    def over_one_by_one(self, concurrency: int) -> Ratio:
        """Of output tokens per second, prefill included."""
        return Ratio.of(
            [rates.output_tokens_per_second for rates in self.levels[concurrency]],
            [rates.output_tokens_per_second for rates in self.levels[1]],
        )

    @property
    def decode_over_generate(self) -> Ratio | None:
        """Of a single stream's decode tokens per second."""
        if self.generate is None:
            return None
        return Ratio.of(_decode_rates(self.levels[1]), _decode_rates(self.generate))

    def document(self) -> dict[str, object]:
        ratio, generate = self.decode_over_generate, self.generate
        return {
            "levels": [
                {
                    "concurrency": concurrency,
                    **asdict(Rates.median(rounds)),
                    "over_one_by_one": asdict(self.over_one_by_one(concurrency)),
                }
                for concurrency, rounds in self.levels.items()
            ],
            "generate": None if generate is None else asdict(Rates.median(generate)),
            "decode_over_generate": None if ratio is None else asdict(ratio),
        }

    def table(self) -> Table:
        table = make_table("case", "requests", "out tok/s", "decode tok/s", "TTFT ms p50")
        for name, num_requests, rounds in self._rows():
            rates = Rates.median(rounds)
            table.add_row(
                name,
                str(num_requests),
                number(rates.output_tokens_per_second, 1),
                number(rates.decode_tokens_per_second, 1),
                number(rates.ttft_ms, 1),
            )
        return table

    def lines(self) -> list[str]:
        """The ratios, in words."""
        lines = [
            f"{concurrency} at once / one by one, output tokens/s: "
            f"{self.over_one_by_one(concurrency)}"
            for concurrency in self.levels
            if concurrency > 1
        ]
        if (ratio := self.decode_over_generate) is not None:
            lines.append(f"single stream / transformers.generate, decode tokens/s: {ratio}")
        return lines

    def _rows(self) -> Iterator[tuple[str, int, Sequence[Rates]]]:
        if self.generate is not None:
            yield "transformers.generate, one by one", self.single_requests, self.generate
        yield "engine, one by one", self.single_requests, self.levels[1]
        for concurrency, rounds in self.levels.items():
            if concurrency > 1:
                yield f"engine, {concurrency} at once", concurrency, rounds


def _decode_rates(rounds: Sequence[Rates]) -> list[float]:
    """A single stream of two tokens or more always has one."""
    rates = [r.decode_tokens_per_second for r in rounds if r.decode_tokens_per_second is not None]
    assert len(rates) == len(rounds)
    return rates
