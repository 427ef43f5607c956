import json
import subprocess
import sys
from pathlib import Path

import pytest

from antiphon.models.errors import ChatTemplateError
from antiphon.models.language_side import LanguageSide
from tests.tiny import train_tokenizer

HELLO = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama", "eos_token_id": 2}))
    return train_tokenizer(tmp_path)


def test_everything_is_loaded_from_the_folder(folder: Path) -> None:
    side = LanguageSide.load(folder)
    assert side.generation_defaults.stop_token_ids == (2,)
    assert side.chat_template is not None
    ids = side.tokenizer.encode(side.chat_template.render(HELLO))
    assert ids[0] == 1
    assert side.tokenizer.decode(ids) == "user\nHi\nassistant\n"


def test_a_template_file_replaces_the_model_s_own(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jinja"
    other.write_text("{{ messages[0].content }}!{{ eos_token }}")
    side = LanguageSide.load(folder, chat_template_file=other)
    assert side.chat_template is not None
    assert side.chat_template.render(HELLO) == "Hi!<|im_end|>"


def test_a_missing_template_file_is_an_error(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ChatTemplateError, match="cannot be read"):
        LanguageSide.load(folder, chat_template_file=tmp_path / "missing.jinja")


def test_a_base_model_has_no_template(folder: Path) -> None:
    train_tokenizer(folder, chat_template=None)
    assert LanguageSide.load(folder).chat_template is None


def test_loading_imports_neither_torch_nor_transformers(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "import antiphon.models.source, antiphon.models.cache, antiphon.models.catalog\n"
        "import antiphon.models.detokenizer, antiphon.models.stop_strings\n"
        "from antiphon.models.language_side import LanguageSide\n"
        f"LanguageSide.load(Path({str(folder)!r}))\n"
        "print(sorted({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert result.stdout.decode().strip() == "[]"
