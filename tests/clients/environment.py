"""The clients' own environments: built once from pinned packages, kept until the pins change.

They lie in `.clients/`, which git ignores, under names that end in a hash of what they are made of.

To raise a pin, change it in `environments/NAME.in` and write down what follows from it, in there:

    uv pip compile --universal --python-version 3.11 --no-header --no-annotate NAME.in -o NAME.txt

or, for JavaScript, in `environments/node/package.json`, and then, in there:

    npm install --package-lock-only --omit-lockfile-registry-resolved
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from uv import find_uv_bin

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".clients"
PINS = Path(__file__).parent / "environments"
OLDEST_NODE = 22


def python_command(name: str) -> list[str]:
    """The interpreter of a Python environment, which runs modules of this repository.

    Raises CalledProcessError when it can't be built.
    """
    pins = PINS / f"{name}.txt"

    def build(folder: Path) -> None:
        _run(find_uv_bin(), "venv", "--quiet", "--python", sys.executable, str(folder))
        _run(find_uv_bin(), "pip", "sync", "--quiet", "--python", str(folder), str(pins))

    interpreter = f"{sys.version} {sys.base_prefix}".encode()
    folder = _kept(name, interpreter + pins.read_bytes(), build)
    return [str(folder / "bin" / "python"), "-m"]


def node_folder() -> Path:
    """The environment of all clients in JavaScript; `drivers` in it are those of this repository.

    Skips the test without npm. Raises CalledProcessError when it can't be built.
    """
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    pins = [PINS / "node" / name for name in ("package.json", "package-lock.json")]

    def build(folder: Path) -> None:
        folder.mkdir()
        for file in pins:
            shutil.copy(file, folder)
        _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
        (folder / "drivers").symlink_to(Path("..", "..", "tests", "clients", "drivers"))

    return _kept("node", b"".join(file.read_bytes() for file in pins), build)


def node_command() -> list[str]:
    """Node, which resolves packages from where a driver is linked to. Skips the test without it."""
    folder = node_folder()
    node = shutil.which("node", path=f"{folder / 'node_modules' / '.bin'}{os.pathsep}{os.defpath}")
    node = node or shutil.which("node")
    if node is None or _major_version(node) < OLDEST_NODE:
        pytest.skip(f"there is no Node {OLDEST_NODE} or later for this machine")
    return [node, "--preserve-symlinks", "--preserve-symlinks-main"]


def _kept(name: str, ingredients: bytes, build: Callable[[Path], None]) -> Path:
    folder = KEPT / f"{name}-{hashlib.sha256(ingredients).hexdigest()[:12]}"
    KEPT.mkdir(exist_ok=True)
    with (KEPT / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        if not folder.exists():
            _build(name, folder, build)
    return folder


def _build(name: str, folder: Path, build: Callable[[Path], None]) -> None:
    for outdated in KEPT.glob(f"{name}-*"):
        shutil.rmtree(outdated)
    with TemporaryDirectory(dir=KEPT) as workshop:
        build(Path(workshop) / name)
        (Path(workshop) / name).rename(folder)


def _major_version(node: str) -> int:
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    return int(version.stdout.removeprefix("v").split(".")[0])


def _run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True)
