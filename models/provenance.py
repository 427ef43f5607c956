"""Where a cached model came from and what it consists of: PROVENANCE.json beside its files."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from antiphon.models.errors import ChecksumMismatch, UnsupportedModel
from antiphon.models.json_file import read_json_object

FILE_NAME = "PROVENANCE.json"
MADE_WITH = ("antiphon", "transformers", "tokenizers", "torch", "gguf")


@dataclass(frozen=True, slots=True)
class Source:
    """What a model was made from; `sha256` is that of the fetched file."""

    description: str
    sha256: str
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class FileRecord:
    num_bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "FileRecord":
        return cls(path.stat().st_size, file_sha256(path))


@dataclass(frozen=True, slots=True)
class Provenance:
    """files: path inside the folder -> its size and hash, PROVENANCE.json itself left out."""

    source: Source
    files: dict[str, FileRecord]
    versions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, source: Source) -> "Provenance":
        """Reads every file of the folder."""
        records = {name: FileRecord.of(folder / name) for name in _file_names(folder)}
        return cls(source, records, _versions())

    @classmethod
    def read(cls, folder: Path) -> "Provenance | None":
        """None where there is no record that can be understood."""
        try:
            content = read_json_object(folder / FILE_NAME)
            files = {name: FileRecord(**record) for name, record in content["files"].items()}
            return cls(Source(**content["source"]), files, content["versions"])
        except (UnsupportedModel, KeyError, TypeError, AttributeError):
            return None

    def write(self, folder: Path) -> None:
        content: dict[str, Any] = asdict(self)
        (folder / FILE_NAME).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def fits_sizes(self, folder: Path) -> bool:
        """A quick look: every file is there and has its size."""
        return all(
            (folder / name).is_file() and (folder / name).stat().st_size == record.num_bytes
            for name, record in self.files.items()
        )

    def require_contents(self, folder: Path) -> None:
        """Reads everything. Raises ChecksumMismatch, FileNotFoundError."""
        for name, record in self.files.items():
            actual = file_sha256(folder / name)
            if actual != record.sha256:
                raise ChecksumMismatch(str(folder / name), record.sha256, actual)


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _file_names(folder: Path) -> list[str]:
    """The folder's own files: what is linked from elsewhere is not vouched for."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted(path.relative_to(folder).as_posix() for path in files if path.name != FILE_NAME)


def _versions() -> dict[str, str]:
    return {name: found for name in MADE_WITH if (found := _version(name)) is not None}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
