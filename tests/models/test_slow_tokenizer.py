from pathlib import Path

import pytest

from antiphon.models.errors import UnsupportedModel
from antiphon.models.slow_tokenizer import write_fast_tokenizer
from antiphon.models.tokenizer import Tokenizer
from tests.tiny import replace_with_slow_tokenizer, train_tokenizer


def test_vocabulary_and_merges_become_a_fast_tokenizer(tmp_path: Path) -> None:
    folder = train_tokenizer(tmp_path / "slow")
    expected = Tokenizer.from_folder(folder).encode("<|im_start|>Hello, world 🇳🇴")
    replace_with_slow_tokenizer(folder)
    (tmp_path / "fast").mkdir()
    write_fast_tokenizer(folder, tmp_path / "fast")
    assert Tokenizer.from_folder(tmp_path / "fast").token_id("<|im_end|>") == 2
    (folder / "tokenizer.json").symlink_to(tmp_path / "fast" / "tokenizer.json")
    assert Tokenizer.from_folder(folder).encode("<|im_start|>Hello, world 🇳🇴") == expected


def test_what_cannot_be_converted_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(b"no sentencepiece model")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')
    with pytest.raises(UnsupportedModel, match="its tokenizer cannot be converted"):
        write_fast_tokenizer(tmp_path, tmp_path)
