from pathlib import Path

import pytest

from antiphon.models.cache import ModelCache
from antiphon.models.errors import ChecksumMismatch, ModelNotFound
from antiphon.models.provenance import Provenance, Source

SOURCE = Source("somewhere", "00ff", "Apache-2.0")


@pytest.fixture
def cache(tmp_path: Path) -> ModelCache:
    return ModelCache(tmp_path)


def publish(cache: ModelCache, text: str = "weights") -> Path:
    with cache.publish("model", SOURCE) as folder:
        (folder / "weights").write_text(text)
        (folder / "inner").mkdir()
        (folder / "inner" / "more").write_text("more")
    return cache.folder("model")


def leftovers(cache: ModelCache) -> list[str]:
    return [path.name for path in (cache.root / "models").iterdir() if path.name != "model"]


def test_a_model_appears_whole_and_with_its_provenance(cache: ModelCache) -> None:
    assert not cache.is_complete("model")
    folder = publish(cache)
    assert cache.is_complete("model")
    provenance = Provenance.read(folder)
    assert provenance is not None
    assert provenance.source == SOURCE
    assert provenance.files.keys() == {"weights", "inner/more"}
    assert provenance.files["weights"].num_bytes == len("weights")
    assert "transformers" in provenance.versions
    assert leftovers(cache) == []


def test_nothing_is_left_of_a_failed_publication(cache: ModelCache) -> None:
    def fail() -> None:
        with cache.publish("model", SOURCE) as folder:
            (folder / "weights").write_text("half")
            raise RuntimeError("the disk is on fire")

    with pytest.raises(RuntimeError, match="on fire"):
        fail()
    assert not cache.folder("model").exists()
    assert leftovers(cache) == []


def test_the_first_of_two_publications_wins(cache: ModelCache) -> None:
    with cache.publish("model", SOURCE) as folder:
        (folder / "weights").write_text("the second to end")
        publish(cache, "the first to end")
    assert (cache.folder("model") / "weights").read_text() == "the first to end"
    assert cache.is_complete("model")
    assert leftovers(cache) == []


def test_a_broken_model_is_replaced(cache: ModelCache) -> None:
    folder = publish(cache)
    (folder / "weights").unlink()
    assert not cache.is_complete("model")
    publish(cache, "whole again")
    assert (folder / "weights").read_text() == "whole again"
    assert cache.is_complete("model")
    assert leftovers(cache) == []


def test_a_record_that_cannot_be_read_counts_as_broken(cache: ModelCache) -> None:
    (publish(cache) / "PROVENANCE.json").write_text('{"files": 3}')
    assert not cache.is_complete("model")


def test_verification_finds_a_changed_byte_that_the_quick_check_does_not(
    cache: ModelCache,
) -> None:
    folder = publish(cache)
    cache.verify("model")
    (folder / "weights").write_text("Weights")
    assert cache.is_complete("model")
    with pytest.raises(ChecksumMismatch, match="weights: expected sha256"):
        cache.verify("model")


def test_verification_of_what_is_not_there_says_what_to_do(cache: ModelCache) -> None:
    with pytest.raises(ModelNotFound, match="pull the model again"):
        cache.verify("model")


def test_a_workspace_is_removed(cache: ModelCache) -> None:
    with cache.workspace() as workspace:
        (workspace / "file").write_text("x")
    assert list(cache.root.iterdir()) == []


def test_the_environment_chooses_the_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANTIPHON_CACHE_DIR", str(tmp_path / "chosen"))
    assert ModelCache.default().folder("m") == tmp_path / "chosen" / "models" / "m"
    monkeypatch.delenv("ANTIPHON_CACHE_DIR")
    assert ModelCache.default().root.name == "antiphon"
