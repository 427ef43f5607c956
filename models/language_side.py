"""Everything about a model that deals in text, loaded together. Never imports torch."""

from dataclasses import dataclass
from pathlib import Path

from antiphon.models.chat_template import ChatTemplate
from antiphon.models.generation_defaults import GenerationDefaults
from antiphon.models.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class LanguageSide:
    """chat_template is None for a base model."""

    tokenizer: Tokenizer
    chat_template: ChatTemplate | None
    generation_defaults: GenerationDefaults

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
        return cls(
            tokenizer, chat_template, GenerationDefaults.load(folder, tokenizer, chat_template)
        )
