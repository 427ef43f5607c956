"""Shapes of real models, for weights that are made up: their config is all there is."""

from enum import StrEnum
from pathlib import Path

from transformers import LlamaConfig, PreTrainedConfig, Qwen3Config

from antiphon.engine.errors import ConfigError


class Shape(StrEnum):
    """Named after the checkpoint whose published config.json it repeats."""

    QWEN3_8B = "qwen3-8b"
    QWEN3_0_6B = "qwen3-0.6b"
    SMOLLM2_135M = "smollm2-135m"


def make_config(shape: Shape) -> PreTrainedConfig:
    match shape:
        case Shape.QWEN3_8B:
            return _qwen3(
                hidden_size=4096,
                intermediate_size=12288,
                num_hidden_layers=36,
                num_attention_heads=32,
                tie_word_embeddings=False,
            )
        case Shape.QWEN3_0_6B:
            return _qwen3(
                hidden_size=1024,
                intermediate_size=3072,
                num_hidden_layers=28,
                num_attention_heads=16,
                tie_word_embeddings=True,
            )
        case Shape.SMOLLM2_135M:
            return LlamaConfig(
                vocab_size=49152,
                hidden_size=576,
                intermediate_size=1536,
                num_hidden_layers=30,
                num_attention_heads=9,
                num_key_value_heads=3,
                max_position_embeddings=8192,
                rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
                tie_word_embeddings=True,
            )


def config_folder(shape: str, workspace: Path) -> Path:
    """A folder with a config.json: `shape` itself, or a named shape's, written into `workspace`.

    Raises ConfigError for what is neither.
    """
    folder = Path(shape).expanduser()
    if (folder / "config.json").is_file():
        return folder
    if shape not in tuple(Shape):
        names = ", ".join(Shape)
        raise ConfigError(f"{shape!r} is no shape ({names}) and no folder with a config.json")
    make_config(Shape(shape)).save_pretrained(workspace)
    return workspace


def _qwen3(
    *,
    hidden_size: int,
    intermediate_size: int,
    num_hidden_layers: int,
    num_attention_heads: int,
    tie_word_embeddings: bool,
) -> Qwen3Config:
    """What the family's dense models share."""
    return Qwen3Config(
        vocab_size=151_936,
        hidden_size=hidden_size,
        intermediate_size=intermediate_size,
        num_hidden_layers=num_hidden_layers,
        num_attention_heads=num_attention_heads,
        num_key_value_heads=8,
        head_dim=128,
        max_position_embeddings=40_960,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        tie_word_embeddings=tie_word_embeddings,
    )
