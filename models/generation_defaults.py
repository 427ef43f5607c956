"""How a model wants to be sampled and what ends its turn: read from its files and its template."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from antiphon.models.chat_template import ChatTemplate
from antiphon.models.end_of_turn import end_of_turn_id
from antiphon.models.errors import UnsupportedModel
from antiphon.models.json_file import read_json_object
from antiphon.models.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class GenerationDefaults:
    """Sampling values are None where the model says nothing.

    stop_token_ids  every id after which the model's turn is over, without repeats.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    stop_token_ids: tuple[int, ...] = ()

    @classmethod
    def load(
        cls, folder: Path, tokenizer: Tokenizer, chat_template: ChatTemplate | None
    ) -> "GenerationDefaults":
        """Raises UnsupportedModel for broken JSON and for a value of the wrong type."""
        generation = read_json_object(folder / "generation_config.json")
        config = read_json_object(folder / "config.json")
        # An explicit `do_sample: false` makes transformers ignore the sampling values beside it.
        sampling = {} if generation.get("do_sample") is False else generation
        return cls(
            temperature=_number(sampling, "temperature"),
            top_p=_number(sampling, "top_p"),
            top_k=int(_number(sampling, "top_k") or 0) or None,  # 0 switches it off
            min_p=_number(sampling, "min_p"),
            repetition_penalty=_number(sampling, "repetition_penalty"),
            stop_token_ids=_stop_token_ids(generation, config, tokenizer, chat_template),
        )


def _number(fields: dict[str, Any], name: str) -> float | None:
    value = fields.get(name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise UnsupportedModel(f"generation_config.json: {name} must be a number, not {value!r}.")


def _stop_token_ids(
    generation: dict[str, Any],
    config: dict[str, Any],
    tokenizer: Tokenizer,
    chat_template: ChatTemplate | None,
) -> tuple[int, ...]:
    ids = [*_eos_ids(generation), *_eos_ids(config), *_eos_ids(config.get("text_config") or {})]
    named = tokenizer.token_id(tokenizer.special_tokens.get("eos_token", ""))
    end_of_turn = None if chat_template is None else end_of_turn_id(chat_template, tokenizer)
    return tuple(dict.fromkeys([*ids, *_present(named, end_of_turn)]))


def _eos_ids(fields: dict[str, Any]) -> Iterable[int]:
    match fields.get("eos_token_id"):
        case None:
            return ()
        case int(token_id):
            return (token_id,)
        case [*token_ids] if all(isinstance(token_id, int) for token_id in token_ids):
            return token_ids
        case other:
            raise UnsupportedModel(f"eos_token_id must be an id or a list of ids, not {other!r}.")


def _present(*token_ids: int | None) -> list[int]:
    return [token_id for token_id in token_ids if token_id is not None]
