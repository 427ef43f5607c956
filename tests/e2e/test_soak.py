"""A server that keeps what it says stays as large as it is."""

import json
from pathlib import Path

import pytest

from antiphon.server.protocol.validation import parse_json
from benchmarks import soak

pytestmark = pytest.mark.slow

MAX_GROWTH_BYTES = 4 * soak.MIB
# The write-ahead log is bounded by itself: some 4 MB, however large the bound.
LOG_BYTES = 8 * soak.MIB


def test_memory_and_store_stand_still(tmp_path: Path) -> None:
    load = soak.Load(num_conversations=30, num_turns=20, num_at_once=8, store_max_bytes=soak.MIB)
    marks = soak.measure(load, tmp_path)
    half = marks[len(marks) // 2]
    assert marks[-1].rss_bytes <= half.rss_bytes + MAX_GROWTH_BYTES
    for mark in marks:
        assert mark.accounted_bytes <= load.store_max_bytes
        assert mark.disk_bytes <= 1.25 * load.store_max_bytes + LOG_BYTES
    assert marks[-1].accounted_bytes > load.store_max_bytes / 2


def test_soak_ends_with_its_numbers_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert soak.main(["--conversations", "10", "--turns", "2"]) == 0
    document = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert document["schema"] == "antiphon.bench.soak/1"
    assert [mark["num_conversations"] for mark in document["marks"]] == list(range(11))
    assert all(mark["rss_bytes"] > 0 for mark in document["marks"])


def test_values_of_one_request_are_not_kept_for_the_next() -> None:
    posted = [parse_json(b'{"input": "Hello, you."}') for _ in range(2)]
    assert isinstance(posted[0], dict)
    assert isinstance(posted[1], dict)
    assert posted[0]["input"] is not posted[1]["input"]
