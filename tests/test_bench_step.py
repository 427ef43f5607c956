"""The benchmark of what a step costs beside the network, at its smallest."""

import json
from collections.abc import Iterator

import pytest
import torch

from benchmarks.bench_step import KINDS, main


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """It takes one thread for itself; others get theirs back."""
    num_threads = torch.get_num_threads()
    yield
    torch.set_num_threads(num_threads)


def test_it_measures_every_way_to_sample_and_ends_with_a_line_of_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--batch", "1,3", "--context", "20", "--steps", "3"]) == 0
    document = json.loads(capsys.readouterr().out.splitlines()[-1])
    measured = [(cost["kind"], cost["batch_size"]) for cost in document["costs"]]
    assert measured == [(kind, size) for kind in KINDS for size in (1, 3)]
    assert all(cost["median_ms"] >= cost["least_ms"] > 0 for cost in document["costs"])


def test_what_is_no_number_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--batch", "many"]) == 2
    assert "'many' is not a list of numbers" in capsys.readouterr().err
