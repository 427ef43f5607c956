"""Each benchmark runs to its line of JSON, on a tiny model. No test looks at a time."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import (
    bench_constrained,
    bench_decode,
    bench_engine,
    bench_parser,
    bench_server,
)
from tests.tiny import write_tiny_llama


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_llama(tmp_path_factory.mktemp("bench") / "llama")


def run_bench_engine(folder: Path, arguments: str) -> int:
    return bench_engine.main(["--model", str(folder), "--device", "cpu", *arguments.split()])


def last_line(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text.splitlines()[-1])
    return document


def test_bench_engine_ends_with_its_numbers_as_json(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = "--prompt-tokens 20 --output-tokens 4 --concurrency 2,3 --repeats 2"
    assert run_bench_engine(tiny_folder, arguments) == 0
    document = last_line(capsys.readouterr().out)
    assert document["schema"] == "antiphon.bench.engine/1"
    assert [level["concurrency"] for level in document["levels"]] == [1, 2, 3]
    assert all(level["output_tokens_per_second"] > 0 for level in document["levels"])
    assert document["levels"][0]["over_one_by_one"]["median"] == 1
    assert set(document["generate"]) == {
        "output_tokens_per_second",
        "decode_tokens_per_second",
        "ttft_ms",
    }
    assert document["decode_over_generate"]["median"] > 0
    assert document["engine"]["dtype"] == "float32"
    assert document["hardware"]["torch_version"] == torch.__version__
    assert document["num_preemptions"] == 0


def test_bench_engine_runs_random_weights_without_generate(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = "--load-format dummy --skip-generate --output-tokens 2 --concurrency 1 --repeats 1"
    assert run_bench_engine(tiny_folder, arguments) == 0
    document = last_line(capsys.readouterr().out)
    assert document["generate"] is None
    assert document["decode_over_generate"] is None
    assert document["settings"]["load_format"] == "dummy"


def test_bench_engine_compares_random_weights_with_generate(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = "--load-format dummy --dtype bfloat16 --output-tokens 2 --concurrency 1 --repeats 1"
    assert run_bench_engine(tiny_folder, arguments) == 0
    document = last_line(capsys.readouterr().out)
    assert document["engine"]["dtype"] == "bfloat16"
    assert document["generate"]["ttft_ms"] > 0


def test_bench_decode_ends_with_its_numbers_as_json(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = "--batch 3,1 --context 24 --steps 3 --repeats 2 --bandwidth-gb-s 10 --device cpu"
    assert bench_decode.main(["--shape", str(tiny_folder), *arguments.split()]) == 0
    document = last_line(capsys.readouterr().out)
    assert document["schema"] == "antiphon.bench.decode/1"
    assert [batch["batch_size"] for batch in document["batches"]] == [1, 3]
    assert all(batch["share_of_roofline"] > 0 for batch in document["batches"])
    assert document["roofline"]["bandwidth_bytes_per_second"] == 1e10
    # Two layers of two key heads of 16 numbers, keys and values, four bytes each.
    assert document["roofline"]["kv_bytes_per_token"] == 2 * 2 * 16 * 2 * 4


def test_bench_constrained_ends_with_its_numbers_as_json(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = "--batch 4 --prompt-tokens 8 --steps 3 --repeats 2 --device cpu"
    assert bench_constrained.main(["--model", str(tiny_folder), *arguments.split()]) == 0
    document = last_line(capsys.readouterr().out)
    assert document["schema"] == "antiphon.bench.constrained/1"
    assert [latency["num_constrained"] for latency in document["latencies"]] == [0, 2]
    assert document["half_over_none"]["median"] > 0


def test_bench_parser_ends_with_its_numbers_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_parser.main(["--size", "200", "--repeats", "1"]) == 0
    document = last_line(capsys.readouterr().out)
    assert document["schema"] == "antiphon.bench.parser/1"
    assert {cost["dialect"] for cost in document["costs"]} >= {"qwen3", "gpt_oss", "gemma4"}
    assert all(cost["by_piece_length"].keys() == {"1", "4"} for cost in document["costs"])


@pytest.mark.slow
def test_bench_server_ends_with_its_numbers_as_json(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = "--streams 1,3 --tokens 6 --total-tokens 12 --rate 0"
    assert bench_server.main(["--model", str(tiny_folder), *arguments.split()]) == 0
    document = last_line(capsys.readouterr().out)
    assert document["schema"] == "antiphon.bench.server/1"
    results = document["results"]
    assert [result["case"]["num_streams"] for result in results] == [1, 1, 1, 3, 3, 3]
    assert [result["num_requests"] for result in results] == [2, 2, 2, 3, 3, 3]
    assert all(result["tokens_per_second"] > 0 for result in results)


@pytest.mark.slow
def test_bench_decode_measures_the_bandwidth_of_a_named_shape_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = "--shape smollm2-135m --batch 1 --context 8 --steps 2 --repeats 1 --device cpu"
    assert bench_decode.main(arguments.split()) == 0
    document = last_line(capsys.readouterr().out)
    assert document["roofline"]["bandwidth_bytes_per_second"] > 0
    assert document["engine"]["architecture"] == "LlamaForCausalLM"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("--batch none", 2, "'none' is not a list of numbers"),
        ("--shape gpt5", 1, "'gpt5' is no shape"),
        ("--dtype int3 --shape smollm2-135m", 1, "dtype must be one of"),
        ("--device abacus", 1, "device 'abacus' is unknown"),
        ("--shape smollm2-135m --context 9000 --device cpu", 1, "the model was made for 8192"),
        ("--wat", 2, "No such option: --wat"),
    ],
)
def test_a_wrong_option_is_one_line_on_stderr(
    arguments: str, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench_decode.main(arguments.split()) == code
    output = capsys.readouterr()
    assert message in output.err
    assert output.err.count("\n") == 1
    assert output.out == ""
