import json
from pathlib import Path
from typing import Any

import pytest

from antiphon.models.chat_template import ChatTemplate
from antiphon.models.errors import UnsupportedModel
from antiphon.models.generation_defaults import GenerationDefaults
from antiphon.models.tokenizer import Tokenizer
from tests.tiny import CHATML_TEMPLATE, train_tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return train_tokenizer(tmp_path)


def load(
    folder: Path,
    generation: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    template: str | None = None,
) -> GenerationDefaults:
    (folder / "generation_config.json").write_text(json.dumps(generation or {}))
    (folder / "config.json").write_text(json.dumps(config or {}))
    tokenizer = Tokenizer.from_folder(folder)
    compiled = None if template is None else ChatTemplate(template, tokenizer.special_tokens)
    return GenerationDefaults.load(folder, tokenizer, compiled)


def test_a_model_that_says_nothing_has_only_its_stop_token(folder: Path) -> None:
    assert load(folder) == GenerationDefaults(stop_token_ids=(2,))
    only_eos = load(folder, {"eos_token_id": 2, "do_sample": False})
    assert only_eos == GenerationDefaults(stop_token_ids=(2,))


def test_sampling_values_are_read(folder: Path) -> None:
    said = {
        "do_sample": True,
        "temperature": 0.7,
        "top_p": 0.8,
        "top_k": 20,
        "min_p": 0.05,
        "repetition_penalty": 1.1,
    }
    assert load(folder, said) == GenerationDefaults(0.7, 0.8, 20, 0.05, 1.1, (2,))


def test_values_count_also_where_do_sample_is_not_mentioned(folder: Path) -> None:
    assert load(folder, {"temperature": 0.6}).temperature == 0.6


def test_values_do_not_count_where_sampling_is_switched_off(folder: Path) -> None:
    assert load(folder, {"do_sample": False, "temperature": 0.6}).temperature is None


def test_top_k_of_zero_is_no_top_k(folder: Path) -> None:
    assert load(folder, {"top_k": 0}).top_k is None


def test_stop_tokens_of_all_places_are_joined_in_order(folder: Path) -> None:
    defaults = load(
        folder,
        {"eos_token_id": [7, 8]},
        {"eos_token_id": 8, "text_config": {"eos_token_id": 9}},
        CHATML_TEMPLATE,
    )
    assert defaults.stop_token_ids == (7, 8, 9, 2)


@pytest.mark.parametrize(
    ("generation", "words"),
    [({"temperature": "hot"}, "temperature must be a number"), ({"eos_token_id": "x"}, "an id")],
)
def test_values_of_the_wrong_kind_are_refused_by_name(
    folder: Path, generation: dict[str, Any], words: str
) -> None:
    with pytest.raises(UnsupportedModel, match=words):
        load(folder, generation)
