import json
from pathlib import Path

import pytest

from antiphon.models.errors import UnsupportedModel
from antiphon.models.tokenizer import Tokenizer
from tests.tiny import SPECIAL_TOKENS, train_tokenizer

TEXTS = (
    "The capital of France is Paris.",
    "  leading and trailing  \n\n",
    "naïve café, Zażółć gęślą jaźń",
    "こんにちは 👋🏽 🇳🇴 \u200d\ufffd\x00",
    "<|im_start|>user\nHi<|im_end|>\n",
    "",
)


@pytest.mark.parametrize("text", TEXTS)
def test_ids_are_those_of_transformers(tmp_path: Path, text: str) -> None:
    from transformers import AutoTokenizer

    folder = train_tokenizer(tmp_path)
    reference = AutoTokenizer.from_pretrained(folder)
    ids = Tokenizer.from_folder(folder).encode(text)
    assert ids == reference.encode(text, add_special_tokens=False)
    assert Tokenizer.from_folder(folder).decode(ids) == reference.decode(
        ids, skip_special_tokens=True
    )


def test_special_tokens_are_those_of_transformers(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    folder = train_tokenizer(tmp_path)
    reference = AutoTokenizer.from_pretrained(folder)
    tokenizer = Tokenizer.from_folder(folder)
    assert tokenizer.special_tokens == reference.special_tokens_map
    assert tokenizer.special_token_ids == set(reference.all_special_ids) == {0, 1, 2}
    assert tokenizer.vocab_size == len(reference)


def test_special_tokens_in_the_text_are_recognised_and_none_is_added(tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_folder(train_tokenizer(tmp_path))
    ids = tokenizer.encode("<|im_start|>Hi<|im_end|>")
    assert (ids[0], ids[-1]) == (1, 2)
    assert not tokenizer.special_token_ids & set(tokenizer.encode("Hi"))


def test_token_id_knows_tokens_and_nothing_else(tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_folder(train_tokenizer(tmp_path))
    assert [tokenizer.token_id(text) for text in SPECIAL_TOKENS] == [0, 1, 2]
    assert tokenizer.token_id("<|no such token|>") is None


def test_truncation_and_padding_stored_in_the_file_are_ignored(tmp_path: Path) -> None:
    folder = train_tokenizer(tmp_path)
    whole = Tokenizer.from_folder(folder).encode("one two three four")
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    content["truncation"] = {
        "direction": "Right",
        "max_length": 2,
        "strategy": "LongestFirst",
        "stride": 0,
    }
    content["padding"] = {
        "strategy": {"Fixed": 99},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "<|endoftext|>",
    }
    path.write_text(json.dumps(content))
    assert Tokenizer.from_folder(folder).encode("one two three four") == whole


def test_names_of_special_tokens_may_come_from_the_older_map_file(tmp_path: Path) -> None:
    folder = train_tokenizer(tmp_path)
    (folder / "tokenizer_config.json").unlink()
    content = {
        "eos_token": {"content": "<|im_end|>", "lstrip": False},
        "pad_token": "<|endoftext|>",
    }
    (folder / "special_tokens_map.json").write_text(json.dumps(content))
    named = Tokenizer.from_folder(folder).special_tokens
    assert named == {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}


def test_a_named_token_outside_the_vocabulary_gets_no_id(tmp_path: Path) -> None:
    folder = train_tokenizer(tmp_path)
    size = Tokenizer.from_folder(folder).vocab_size
    (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "[PAD]"}))
    tokenizer = Tokenizer.from_folder(folder)
    assert tokenizer.vocab_size == size
    assert tokenizer.token_id("[PAD]") is None


def test_added_tokens_that_only_the_config_lists_are_added(tmp_path: Path) -> None:
    folder = train_tokenizer(tmp_path)
    size = Tokenizer.from_folder(folder).vocab_size
    entry = {"content": "<tool>", "special": True, "normalized": False}
    config = {"added_tokens_decoder": {str(size): entry}}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = Tokenizer.from_folder(folder)
    assert tokenizer.encode("<tool>") == [size]
    assert size in tokenizer.special_token_ids


def test_every_byte_has_its_token(tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_folder(train_tokenizer(tmp_path))
    single = {tokenizer.token_bytes(token_id) for token_id in range(tokenizer.vocab_size)}
    assert {bytes([byte]) for byte in range(256)} <= single


def test_an_id_without_a_token_adds_nothing(tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_folder(train_tokenizer(tmp_path))
    assert tokenizer.token_bytes(tokenizer.vocab_size + 7) == b""


def test_a_folder_with_only_a_slow_tokenizer_names_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(b"")
    with pytest.raises(UnsupportedModel, match=r"no tokenizer\.json, only tokenizer\.model"):
        Tokenizer.from_folder(tmp_path)


def test_a_broken_tokenizer_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UnsupportedModel, match=r"tokenizer\.json is not a usable tokenizer"):
        Tokenizer.from_folder(tmp_path)


def test_a_broken_config_is_refused_by_name(tmp_path: Path) -> None:
    (train_tokenizer(tmp_path) / "tokenizer_config.json").write_text("[")
    with pytest.raises(UnsupportedModel, match=r"tokenizer_config\.json cannot be read as JSON"):
        Tokenizer.from_folder(tmp_path)


def test_a_decoder_that_looks_ahead_is_refused(tmp_path: Path) -> None:
    path = train_tokenizer(tmp_path) / "tokenizer.json"
    content = json.loads(path.read_text())
    content["decoder"] = {"type": "BPEDecoder", "suffix": "</w>"}
    path.write_text(json.dumps(content))
    with pytest.raises(UnsupportedModel, match="BPEDecoder"):
        Tokenizer.from_folder(tmp_path)
