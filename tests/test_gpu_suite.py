"""The suite for a GPU, as far as it goes without one."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from benchmarks import bench_offline, gpu_suite
from benchmarks.offline_workload import OfflineWorkload
from benchmarks.suite_part import Outcome, Part, run_part
from benchmarks.suite_report import publish_suite
from tests.tiny import write_tiny_llama

DECODE = {
    "schema": "antiphon.bench.decode/1",
    "batches": [
        {"batch_size": 1, "step_ms": 4.9, "roofline_step_ms": 3.56},
        {"batch_size": 8, "step_ms": 5.2, "roofline_step_ms": 3.8},
    ],
}


def test_it_fails_and_says_why_without_a_gpu(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu_suite.main() == 1
    assert "no CUDA GPU here" in capsys.readouterr().out


def test_all_parts_together_take_ten_minutes_at_most() -> None:
    assert sum(part.limit_seconds for part in gpu_suite.PARTS) <= 600


def test_a_part_passes_or_fails_with_its_command() -> None:
    passed = run_part(Part("help", ("json.tool", "--help"), limit_seconds=60))
    assert passed.passed
    assert passed.last_line
    assert passed.document == {}
    assert not run_part(Part("nowhere", ("json.tool", "/nowhere"), limit_seconds=60)).passed


def test_a_part_that_hangs_is_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    hanging = Part("hanging", ("http.server", "0", "--bind", "127.0.0.1"), limit_seconds=0.5)
    assert not run_part(hanging).passed
    assert "hanging: stopped after" in capsys.readouterr().out


def test_the_report_holds_every_number_and_what_stands_beside_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcomes = [
        Outcome("tests", True, 12.0, "45 passed in 11.2s"),
        Outcome("decode", True, 90.0, json.dumps(DECODE)),
        Outcome("kernels", False, 5.0, ""),
    ]
    publish_suite(outcomes)
    output = capsys.readouterr().out
    for expected in ("45 passed", "4.90 ms", "roofline 3.56 ms, target 5.0 ms", "5.20 ms", "NO"):
        assert expected in output
    document = json.loads(output.splitlines()[-1])
    assert document["parts"][1]["result"] == DECODE


def test_the_offline_workload_is_that_of_nano_vllm() -> None:
    workload = OfflineWorkload.random(256, shortest=100, longest=1024, vocab_size=151_936, seed=0)
    assert (workload.num_input_tokens, workload.num_output_tokens) == (142_827, 133_966)


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_llama(tmp_path_factory.mktemp("offline") / "llama")


@pytest.mark.parametrize(
    "contender",
    [
        "engine",
        "generate",
        pytest.param("continuous-batching", marks=pytest.mark.slow),
    ],
)
def test_every_contender_runs_the_offline_workload_to_its_end(
    contender: str, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments: Sequence[str] = (
        *("--shape", str(tiny_folder), "--contender", contender, "--requests", "3"),
        *("--shortest", "5", "--longest", "12", "--device", "cpu"),
    )
    assert bench_offline.main(arguments) == 0
    document = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert document["schema"] == "antiphon.bench.offline/1"
    assert document["output_tokens_per_second"] > 0
