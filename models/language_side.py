"""Everything about a model that deals in text, loaded together. Never imports torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from antiphon.models.chat_template import ChatTemplate
from antiphon.models.dialect_detection import detect_dialect
from antiphon.models.dialects.dialect import Dialect
from antiphon.models.generation_defaults import GenerationDefaults
from antiphon.models.json_file import read_json_object
from antiphon.models.template_abilities import TemplateAbilities
from antiphon.models.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class LanguageSide:
    """chat_template is None for a base model, and so are its abilities.

    dialect_reason  why this dialect is thought to be the model's, for the log.
    """

    tokenizer: Tokenizer
    chat_template: ChatTemplate | None
    generation_defaults: GenerationDefaults
    abilities: TemplateAbilities | None
    dialect: Dialect
    dialect_reason: str

    @property
    def hidden_token_ids(self) -> frozenset[int]:
        """Special tokens that mean nothing in the model's dialect, and are never shown."""
        special = self.tokenizer.special_ids.items()
        return frozenset(id_ for text, id_ in special if not self.dialect.gives_meaning_to(text))

    @classmethod
    def load(
        cls, folder: Path, chat_template_file: Path | None = None, dialect: str | None = None
    ) -> "LanguageSide":
        """`chat_template_file` replaces the model's own template, `dialect` what is detected.

        Raises UnsupportedModel, ChatTemplateError and UnknownDialect.
        """
        tokenizer = Tokenizer.from_folder(folder)
        if chat_template_file is None:
            chat_template = ChatTemplate.from_folder(folder, tokenizer)
        else:
            chat_template = ChatTemplate.from_file(chat_template_file, tokenizer)
        detected = detect_dialect(
            chat_template,
            tokenizer,
            response_template=_response_template(folder),
            override=dialect,
        )
        return cls(
            tokenizer,
            chat_template,
            GenerationDefaults.load(folder, tokenizer, chat_template),
            detected.abilities,
            detected.dialect,
            detected.reason,
        )


def _response_template(folder: Path) -> Mapping[str, Any] | None:
    declared = read_json_object(folder / "tokenizer_config.json").get("response_template")
    return declared if isinstance(declared, Mapping) else None
