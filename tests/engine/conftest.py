"""What these tests share: a tiny random Llama, and what is made of it."""

from pathlib import Path

import pytest
from transformers import PreTrainedModel

from antiphon.engine.grammar import GrammarCompiler
from antiphon.models.tokenizer import Tokenizer
from tests.engines import load_float32
from tests.grammars import compiler_of
from tests.tiny import write_tiny_llama


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_llama(tmp_path_factory.mktemp("tiny") / "llama")


@pytest.fixture(scope="module")
def model(folder: Path) -> PreTrainedModel:
    return load_float32(folder)


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.from_folder(folder)


@pytest.fixture(scope="module")
def compiler(folder: Path) -> GrammarCompiler:
    return compiler_of(folder)
