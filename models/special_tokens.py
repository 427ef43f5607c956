"""Which tokens a model folder calls special: read from tokenizer_config.json and its older files.

The precedence is that of transformers: special_tokens_map.json counts only where
tokenizer_config.json does not list the added tokens itself.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken

from antiphon.models.json_file import read_json_object

ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
EXTRA_LISTS = ("extra_special_tokens", "additional_special_tokens")


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """named: role -> text, in the order of ROLES; extra: texts without a standard role;
    added: the tokens that tokenizer_config.json wants in the vocabulary, by id.
    """

    named: dict[str, str]
    extra: tuple[str, ...]
    added: dict[int, AddedToken]

    @classmethod
    def from_folder(cls, folder: Path) -> "SpecialTokens":
        """Raises UnsupportedModel for broken JSON."""
        config = read_json_object(folder / "tokenizer_config.json")
        if "added_tokens_decoder" not in config:
            config |= read_json_object(folder / "special_tokens_map.json")
        named = {role: _text(config[role]) for role in ROLES if config.get(role) is not None}
        return cls(named, tuple(_extra_texts(config)), _added_tokens(config))


def _extra_texts(config: dict[str, Any]) -> list[str]:
    lists = [config.get(key) or [] for key in EXTRA_LISTS]
    entries = [entry for group in lists for entry in _values(group)]
    own_roles = [key for key in config if key.endswith("_token") and key not in ROLES]
    entries += [config[key] for key in own_roles if isinstance(config[key], str | dict)]
    return [_text(entry) for entry in entries]


def _values(group: dict[str, Any] | list[Any]) -> list[Any]:
    return list(group.values()) if isinstance(group, dict) else group


def _added_tokens(config: dict[str, Any]) -> dict[int, AddedToken]:
    entries = config.get("added_tokens_decoder", {}).items()
    return {int(token_id): _added_token(entry) for token_id, entry in sorted(entries, key=_by_id)}


def _by_id(entry: tuple[str, Any]) -> int:
    return int(entry[0])


def _added_token(entry: dict[str, Any]) -> AddedToken:
    flags = {key: bool(entry[key]) for key in FLAGS if key in entry}
    return AddedToken(entry["content"], **flags)


FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


def _text(entry: str | dict[str, Any]) -> str:
    return entry if isinstance(entry, str) else str(entry["content"])
