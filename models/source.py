"""From what a user calls a model to a local folder that can be loaded.

In this order: a name of the catalog, a `.gguf` file, a folder, a hub id ("org/name", with an
optional "@revision"). torch is imported only where a conversion needs it.
"""

import re
from enum import Enum
from pathlib import Path

from antiphon.models import hub
from antiphon.models.cache import ModelCache
from antiphon.models.catalog import CATALOG, find_entry
from antiphon.models.converted import from_catalog, from_gguf, with_fast_tokenizer
from antiphon.models.errors import ModelNotFound, UnsafeWeights, UnsupportedModel
from antiphon.models.progress import Progress

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*(@.+)?")


class Weights(Enum):
    """Whether the weights' files must be there: random ones are made from the config alone."""

    REQUIRED = "required"
    NONE = "none"


def locate(
    model: str,
    *,
    cache: ModelCache,
    offline: bool,
    allow_pickle: bool,
    progress: Progress,
    weights: Weights = Weights.REQUIRED,
) -> Path:
    """A folder with config.json, weights (where required) and tokenizer.json; fetched if need be.

    Raises ModelNotFound, ModelDownloadError, ChecksumMismatch, UnsupportedModel, UnsafeWeights.
    """
    entry = find_entry(model)
    if entry is not None:
        return from_catalog(entry, cache, offline=offline, progress=progress)
    path = Path(model).expanduser()
    if path.is_file():
        return from_gguf(_require_gguf(path), cache, progress)
    if path.is_dir():
        folder = path.resolve()
    elif HUB_ID.fullmatch(model) and path.suffix != ".gguf":
        folder = _from_hub(model, offline, allow_pickle, weights, progress)
    else:
        raise ModelNotFound(_unknown(model))
    _require_model(model, folder, weights, allow_pickle)
    return with_fast_tokenizer(folder, cache)


def _from_hub(
    model: str, offline: bool, allow_pickle: bool, weights: Weights, progress: Progress
) -> Path:
    hub_id, _, revision = model.partition("@")

    def fetch(patterns: tuple[str, ...]) -> Path:
        return hub.download(
            hub_id,
            patterns=patterns,
            revision=revision or None,
            offline=offline,
            progress=progress,
        )

    if weights is Weights.NONE:
        return fetch(hub.TEXT_FILES)
    folder = fetch(hub.TEXT_FILES + hub.SAFE_WEIGHTS)
    if allow_pickle and not _holds(folder, hub.SAFE_WEIGHTS):
        return fetch(hub.TEXT_FILES + hub.PICKLED_WEIGHTS)
    return folder


def _require_gguf(path: Path) -> Path:
    if path.suffix.lower() != ".gguf":
        raise UnsupportedModel(f"{path} is a file; a model is a folder or a .gguf file.")
    return path.resolve()


def _require_model(model: str, folder: Path, weights: Weights, allow_pickle: bool) -> None:
    if not (folder / "config.json").is_file():
        raise ModelNotFound(f"{model} is no model: {folder} has no config.json{_or_gguf(folder)}.")
    if weights is Weights.NONE or _holds(folder, hub.SAFE_WEIGHTS):
        return
    if not _holds(folder, hub.PICKLED_WEIGHTS):
        raise ModelNotFound(f"{model} has no weights as safetensors{_or_pickles(allow_pickle)}.")
    if not allow_pickle:
        raise UnsafeWeights(
            f"{model} has only pickled weights, which can run any code when they are read; "
            "allow_pickle (--allow-pickle) accepts them."
        )


def _or_gguf(folder: Path) -> str:
    return ", but GGUF files: name one of them" if _holds(folder, ("*.gguf",)) else ""


def _or_pickles(allow_pickle: bool) -> str:
    return " or pickles" if allow_pickle else "; pickled ones are not looked for"


def _holds(folder: Path, patterns: tuple[str, ...]) -> bool:
    return any(True for pattern in patterns for _ in folder.glob(pattern))


def _unknown(model: str) -> str:
    if "/" in model or model.startswith((".", "~")) or model.endswith(".gguf"):
        return f"There is no file or folder {model}."
    names = ", ".join(entry.name for entry in CATALOG)
    return (
        f"{model!r} is no model: give a name from the catalog ({names}), a local folder, "
        "a .gguf file or a hub id such as org/name."
    )
