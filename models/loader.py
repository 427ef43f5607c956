"""Weights through transformers: from a folder, or random ones made from its config."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel

from antiphon.models.attention import ATTENTION_NAME, register_attention
from antiphon.models.errors import ModelError, UnsupportedModel
from antiphon.models.progress import Progress
from antiphon.models.quantization import Quantization
from antiphon.models.quantized_loading import loading_arguments
from antiphon.models.transformers_bars import reported_bars


def load_model(
    folder: Path,
    *,
    device: torch.device,
    dtype: torch.dtype | None,
    trust_remote_code: bool,
    allow_pickle: bool,
    progress: Progress,
    quantization: Quantization = Quantization.NONE,
) -> PreTrainedModel:
    """The folder's model on `device`, attention paged. `dtype` None is the checkpoint's own.

    Raises UnsupportedModel or ModelError with one clear line.
    """
    config = read_config(folder, trust_remote_code=trust_remote_code)
    arguments = loading_arguments(quantization, config, device)
    register_attention()
    with reported_bars(progress), _clear_errors(folder):
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=dtype if dtype is not None else "auto",
            device_map={"": device},
            attn_implementation=ATTENTION_NAME,
            trust_remote_code=trust_remote_code,
            use_safetensors=None if allow_pickle else True,
            local_files_only=True,
            **arguments,
        )
    return model


def make_dummy_model(
    folder: Path,
    *,
    device: torch.device,
    dtype: torch.dtype | None,
    trust_remote_code: bool,
    seed: int,
) -> PreTrainedModel:
    """A model with seeded random weights, from the folder's config alone."""
    config = read_config(folder, trust_remote_code=trust_remote_code)
    register_attention()
    torch.manual_seed(seed)
    with device, _clear_errors(folder):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            config,
            dtype=dtype if dtype is not None else getattr(config, "dtype", None) or torch.float32,
            attn_implementation=ATTENTION_NAME,
            trust_remote_code=trust_remote_code,
        )
    return model


def read_config(folder: Path, *, trust_remote_code: bool) -> PreTrainedConfig:
    """Raises UnsupportedModel for an architecture that transformers does not know."""
    with _clear_errors(folder):
        config: PreTrainedConfig = AutoConfig.from_pretrained(
            folder, trust_remote_code=trust_remote_code, local_files_only=True
        )
    return config


@contextmanager
def _clear_errors(folder: Path) -> Iterator[None]:
    """Turn what transformers raises for a model it can't load into one line for the user."""
    try:
        yield
    except ModelError:
        raise
    except (ImportError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UnsupportedModel(f"{folder.name} can't be loaded: {first_line}") from error
