"""A tiny GGUF file is converted; what comes out is the model that went in, rounded to bfloat16."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from antiphon.models.errors import UnsupportedModel
from antiphon.models.gguf_conversion import convert_gguf
from antiphon.models.language_side import LanguageSide
from antiphon.models.progress import ignore_progress
from tests.tiny import write_tiny_llama
from tests.tiny_gguf import write_tiny_gguf

TEXT = "<|im_start|>user\nThe capital of 🇳🇴, don't say 123 <|im_end|>  \n"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_llama(tmp_path_factory.mktemp("original"))


def convert(original: Path, tmp_path: Path, head_noise: float | None = None) -> Path:
    gguf = write_tiny_gguf(original, tmp_path / "tiny.gguf", head_noise=head_noise)
    folder = tmp_path / "converted"
    folder.mkdir()
    convert_gguf(gguf, folder, ignore_progress)
    return folder


def test_weights_are_the_original_ones_in_bfloat16(original: Path, tmp_path: Path) -> None:
    converted = AutoModelForCausalLM.from_pretrained(convert(original, tmp_path), dtype="auto")
    expected = AutoModelForCausalLM.from_pretrained(original, dtype=torch.bfloat16).state_dict()
    actual = converted.state_dict()
    assert actual.keys() == expected.keys()
    assert all(torch.equal(actual[name], expected[name]) for name in expected)


def test_the_language_side_is_the_original_one(original: Path, tmp_path: Path) -> None:
    before, after = LanguageSide.load(original), LanguageSide.load(convert(original, tmp_path))
    assert after.tokenizer.encode(TEXT) == before.tokenizer.encode(TEXT)
    assert after.tokenizer.special_tokens == before.tokenizer.special_tokens
    assert after.chat_template is not None
    assert before.chat_template is not None
    assert after.chat_template.source == before.chat_template.source


def test_an_end_of_text_that_gguf_drops_is_put_back(original: Path, tmp_path: Path) -> None:
    folder = convert(original, tmp_path)
    assert json.loads((folder / "generation_config.json").read_text())["eos_token_id"] == [2, 0]


@pytest.mark.parametrize(("noise", "tied"), [(0.001, True), (0.2, False)])
def test_two_roundings_of_one_matrix_are_tied_again(
    noise: float, tied: bool, original: Path, tmp_path: Path
) -> None:
    folder = convert(original, tmp_path, head_noise=noise)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.config.tie_word_embeddings is tied
    assert (model.lm_head.weight is model.model.embed_tokens.weight) is tied


def test_files_are_readable_by_everybody(original: Path, tmp_path: Path) -> None:
    modes = {path.stat().st_mode & 0o777 for path in convert(original, tmp_path).iterdir()}
    assert modes == {0o644}


def test_progress_is_reported_and_nothing_is_drawn(
    original: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gguf = write_tiny_gguf(original, tmp_path / "tiny.gguf")
    capfd.readouterr()
    verbosity = transformers_logging.get_verbosity()
    last: dict[str, tuple[int, int | None]] = {}

    def progress(stage: str, done: int, total: int | None, unit: str) -> None:
        last[stage] = (done, total)

    convert_gguf(gguf, tmp_path, progress)
    num_tensors = last["Converting weights"][1]
    assert num_tensors
    assert last["Converting weights"] == (num_tensors, num_tensors)
    assert capfd.readouterr().err == ""
    assert transformers_logging.get_verbosity() == verbosity


def test_a_file_that_is_no_gguf_is_refused_by_name(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF and then nothing of use")
    with pytest.raises(UnsupportedModel, match=r"broken\.gguf cannot be converted"):
        convert_gguf(broken, tmp_path, ignore_progress)
