"""Fixtures of the tiny model's language side; conftest files take them from here."""

from pathlib import Path

import pytest

from antiphon.models.language_side import LanguageSide
from tests.serving import EncodePieces
from tests.tiny import train_tokenizer


@pytest.fixture(scope="session")
def language_side(tmp_path_factory: pytest.TempPathFactory) -> LanguageSide:
    folder: Path = train_tokenizer(tmp_path_factory.mktemp("tiny"))
    (folder / "config.json").write_text('{"model_type": "llama", "eos_token_id": 2}')
    return LanguageSide.load(folder)


@pytest.fixture(scope="session")
def said(language_side: LanguageSide) -> EncodePieces:
    """Turns pieces of text into one list of token ids each, the last with the stop token."""

    stop_token_id = language_side.generation_defaults.stop_token_ids[0]

    def encode(*pieces: str) -> list[list[int]]:
        steps = [language_side.tokenizer.encode(piece) for piece in pieces]
        return [*steps[:-1], [*steps[-1], stop_token_id]]

    return encode
