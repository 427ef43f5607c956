"""Everything about a model that deals in text, loaded together. Never imports torch."""

from dataclasses import dataclass
from pathlib import Path

from antiphon.models.chat_template import ChatTemplate
from antiphon.models.errors import UnsupportedModel
from antiphon.models.generation_defaults import GenerationDefaults
from antiphon.models.json_file import read_json_object
from antiphon.models.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class LanguageSide:
    """chat_template is None for a base model; model_type is config.json's, such as "llama"."""

    tokenizer: Tokenizer
    chat_template: ChatTemplate | None
    generation_defaults: GenerationDefaults
    model_type: str

    @classmethod
    def load(cls, folder: Path, chat_template_file: Path | None = None) -> "LanguageSide":
        """`chat_template_file` replaces the model's own template.

        Raises UnsupportedModel and ChatTemplateError.
        """
        tokenizer = Tokenizer.from_folder(folder)
        if chat_template_file is None:
            chat_template = ChatTemplate.from_folder(folder, tokenizer)
        else:
            chat_template = ChatTemplate.from_file(chat_template_file, tokenizer)
        defaults = GenerationDefaults.load(folder, tokenizer, chat_template)
        return cls(tokenizer, chat_template, defaults, _model_type(folder))


def _model_type(folder: Path) -> str:
    model_type = read_json_object(folder / "config.json").get("model_type")
    if not isinstance(model_type, str):
        raise UnsupportedModel(f"{folder / 'config.json'} is missing or names no model_type.")
    return model_type
