"""What the GPU suite found, in one table and one line of JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import bench_decode, bench_offline
from benchmarks.report import make_table, number, publish
from benchmarks.suite_part import Outcome

SCHEMA = "antiphon.bench.gpu-suite/1"
# Milliseconds of a decode step of Qwen3-8B's shape in bfloat16 after 1024 tokens, on an H200.
TARGET_STEP_MS = {1: 5.0, 32: 6.0, 256: 18.0}


def publish_suite(outcomes: Sequence[Outcome]) -> None:
    table = make_table("part", "passed", "seconds", "what", "measured", "beside it")
    for outcome in outcomes:
        findings = list(_findings(outcome)) or [(outcome.last_line[:60], "", "")]
        for index, finding in enumerate(findings):
            ends = ("yes" if outcome.passed else "NO", number(outcome.seconds, 0))
            first = (outcome.name, *ends) if index == 0 else ("", "", "")
            table.add_row(*first, *finding)
    document = {
        "schema": SCHEMA,
        "parts": [
            {
                "name": outcome.name,
                "passed": outcome.passed,
                "seconds": outcome.seconds,
                "result": outcome.document or outcome.last_line,
            }
            for outcome in outcomes
        ],
    }
    publish("GPU suite", table, (), document)


def _findings(outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    document = outcome.document
    match document.get("schema"):
        case bench_decode.SCHEMA:
            yield from map(_decode_finding, document["batches"])
        case bench_offline.SCHEMA:
            yield (
                f"{document['requests']} requests, {document['output_tokens']} tokens out",
                f"{document['output_tokens_per_second']:.0f} tokens/s",
                f"{document['seconds']:.1f} s",
            )
        case str():
            yield "see above", "", ""


def _decode_finding(batch: dict[str, Any]) -> tuple[str, str, str]:
    target = TARGET_STEP_MS.get(batch["batch_size"])
    beside = f"roofline {batch['roofline_step_ms']:.2f} ms"
    return (
        f"step of {batch['batch_size']}",
        f"{batch['step_ms']:.2f} ms",
        beside if target is None else f"{beside}, target {target:.1f} ms",
    )
