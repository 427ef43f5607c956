"""The real client against a hub on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.models.errors import ModelNotFound
from antiphon.models.hub import SAFE_WEIGHTS, TEXT_FILES, download
from antiphon.models.progress import Progress, ignore_progress
from tests.tiny_hub import TinyHub, serve_hub

HUB_ID = "somebody/tiny"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TinyHub]:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"w" * 5000)
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with serve_hub(HUB_ID, folder, tmp_path / "cache", monkeypatch) as hub:
        yield hub


def fetch(
    *,
    hub_id: str = HUB_ID,
    revision: str | None = None,
    offline: bool = False,
    progress: Progress = ignore_progress,
) -> Path:
    return download(
        hub_id,
        patterns=TEXT_FILES + SAFE_WEIGHTS,
        revision=revision,
        offline=offline,
        progress=progress,
    )


def test_the_files_asked_for_are_fetched_and_pickles_are_not(hub: TinyHub) -> None:
    folder = fetch()
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors"}
    assert sorted(hub.downloaded) == ["config.json", "model.safetensors"]


def test_cached_files_are_not_fetched_again(hub: TinyHub) -> None:
    folder = fetch()
    hub.downloaded.clear()
    assert fetch() == folder
    assert fetch(offline=True) == folder
    assert hub.downloaded == []


def test_bytes_are_reported_and_nothing_is_drawn(
    hub: TinyHub, capfd: pytest.CaptureFixture[str]
) -> None:
    reports: list[tuple[str, int, int | None, str]] = []

    def progress(stage: str, done: int, total: int | None, unit: str) -> None:
        reports.append((stage, done, total, unit))

    fetch(progress=progress)
    assert reports[-1] == ("Downloading somebody/tiny", 5002, 5002, "bytes")
    assert capfd.readouterr().err == ""


def test_offline_and_not_cached_says_what_to_do(hub: TinyHub) -> None:
    with pytest.raises(ModelNotFound, match=r"this is offline: .* `antiphon pull somebody/tiny`"):
        fetch(offline=True)
    assert hub.downloaded == []


def test_a_model_that_the_hub_does_not_have_is_not_found(hub: TinyHub) -> None:
    with pytest.raises(ModelNotFound, match="no model 'somebody/else' on the hub"):
        fetch(hub_id="somebody/else")


def test_a_revision_that_the_hub_does_not_have_is_not_found(hub: TinyHub) -> None:
    with pytest.raises(ModelNotFound, match="no revision 'v2'"):
        fetch(revision="v2")


def test_no_way_to_the_hub_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_hub(HUB_ID, tmp_path, tmp_path / "cache", monkeypatch):
        pass  # what is left is an address where nobody listens
    with pytest.raises(ModelNotFound, match="the hub cannot be reached"):
        fetch()
