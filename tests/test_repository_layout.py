"""What keeps the house in order: who may import whom, what is packaged, how large it may grow."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("models", "engine", "server")  # each may import itself and those before it
MAX_LINES = {"models": 14100, "engine": 4800, "server": 13500}
MAX_FILE_LINES = 300
LANGUAGE_SIDE = ("antiphon.models.language_side", "antiphon.models.source")
API_PROCESS = ("antiphon.server.cli", "antiphon.server.launch", "antiphon.engine.client")


def sources(layer: str) -> list[Path]:
    return sorted((ROOT / layer).rglob("*.py"))


def imported_modules(file: Path) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module or "")
    return modules


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_go_one_way(layer: str) -> None:
    above = LAYERS[LAYERS.index(layer) + 1 :]
    for file in sources(layer):
        for module in imported_modules(file):
            assert not module.startswith(tuple(f"antiphon.{name}" for name in above)), file


def test_the_engine_knows_nothing_of_http() -> None:
    for file in sources("engine") + sources("models"):
        for module in imported_modules(file):
            assert module.split(".")[0] not in {"fastapi", "starlette", "uvicorn", "pydantic"}, file


def test_every_package_on_disk_is_packaged() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        listed = set(tomllib.load(file)["tool"]["setuptools"]["packages"])
    on_disk = {
        f"antiphon.{init.parent.relative_to(ROOT).as_posix().replace('/', '.')}"
        for layer in LAYERS
        for init in (ROOT / layer).rglob("__init__.py")
    }
    folders = {file.parent for layer in LAYERS for file in sources(layer)}
    assert listed == on_disk
    assert all((folder / "__init__.py").is_file() for folder in folders)


@pytest.mark.parametrize("module", LANGUAGE_SIDE + API_PROCESS)
def test_the_api_process_imports_no_torch(module: str) -> None:
    script = (
        f"import {module}, sys; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd="/"
    )
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_stays_within_its_size(layer: str) -> None:
    lines = {file: file.read_text().count("\n") for file in sources(layer)}
    assert sum(lines.values()) <= MAX_LINES[layer]
    assert max(lines.values()) <= MAX_FILE_LINES, max(lines, key=lambda file: lines[file])
