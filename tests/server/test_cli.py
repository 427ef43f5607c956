"""The command line: what reaches the settings, and how errors end."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from antiphon.engine.errors import EngineStartupError
from antiphon.models.catalog import DEFAULT_MODEL
from antiphon.models.errors import ModelNotFound
from antiphon.models.progress import Progress
from antiphon.server.cli import main
from antiphon.server.settings import Settings


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("ANTIPHON_")]:
        monkeypatch.delenv(variable)


class FakeLaunch(ModuleType):
    """Stands where the launcher stands: keeps the settings, starts nothing."""

    def __init__(self) -> None:
        super().__init__("antiphon.server.launch")
        self.launched: list[Settings] = []
        self.outcome: Callable[[], int] = lambda: 0

    def run(self, settings: Settings) -> int:
        self.launched.append(settings)
        return self.outcome()


@pytest.fixture
def launch(monkeypatch: pytest.MonkeyPatch) -> FakeLaunch:
    fake = FakeLaunch()
    monkeypatch.setitem(sys.modules, "antiphon.server.launch", fake)
    return fake


def fail_with(error: Exception) -> Callable[[], int]:
    def fail() -> int:
        raise error

    return fail


def only_line(text: str) -> str:
    [line] = text.splitlines()
    return line


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"antiphon {metadata.version('antiphon')}\n"


def test_the_module_is_the_command() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "antiphon.server", "--version"], capture_output=True, text=True
    )
    assert (answer.returncode, answer.stdout.split()[0]) == (0, "antiphon")


def test_the_command_line_loads_neither_torch_nor_a_web_framework() -> None:
    heavy = ("torch", "transformers", "fastapi", "uvicorn", "huggingface_hub", "matplotlib")
    program = f"import sys, antiphon.server.cli; print(sorted(sys.modules.keys() & {set(heavy)}))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.stdout == "[]\n"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["bench"], ["serve", "--help"]])
def test_help_is_printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert "Usage: antiphon" in capsys.readouterr().out


def test_serve_without_flags_runs_the_defaults(launch: FakeLaunch) -> None:
    assert main(["serve"]) == 0
    assert launch.launched == [Settings()]


def test_flags_reach_the_settings(launch: FakeLaunch) -> None:
    line = "serve other --port 81 --kv-cache-memory 1GiB --no-prefix-cache --offline"
    names = "--served-model-name a,b --served-model-name c"
    assert main(f"{line} {names}".split()) == 0
    [settings] = launch.launched
    assert (settings.model, settings.port, settings.kv_cache_memory) == ("other", 81, 1024**3)
    assert (settings.prefix_cache, settings.offline) == (False, True)
    assert settings.served_model_name == ("a", "b", "c")


def test_every_setting_but_the_model_has_a_flag(
    launch: FakeLaunch, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    main(["serve", "--help"])
    text = capsys.readouterr().out
    missing = {f"--{name.replace('_', '-')}" for name in Settings.model_fields} - set(text.split())
    assert missing == {"--model"}
    assert launch.launched == []


def test_the_exit_code_is_the_launchers(launch: FakeLaunch) -> None:
    launch.outcome = lambda: 7
    assert main(["serve"]) == 7


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "--prot", "80"], "--port"),
        (["serv"], "serve"),
        (["serve", "--port", "http"], "--port: Input should be a valid integer"),
        (["serve", "--host", ""], "--host: "),
        (["serve", "a", "b"], "unexpected extra argument"),
        (["serve", "--config", "absent.toml"], "absent.toml cannot be read"),
        (["serve", "--dtype", "int3"], "dtype must be one of"),
        (["bench", "serve", "--concurrency", "1,x"], "'1,x' is not a list of numbers"),
        (["bench", "serve", "--concurrency", "0"], "at least 1"),
        (["bench", "serve", "--requests", "4"], "--requests must be at least 16"),
        (["bench", "serve", "--json", "/nowhere/at/all.json"], "/nowhere/at is not a folder"),
    ],
)
def test_a_usage_error_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, launch: FakeLaunch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert launch.launched == []
    line = only_line(capsys.readouterr().err)
    assert line.startswith("antiphon: ")
    assert message in line


@pytest.mark.parametrize("error", [EngineStartupError("no\nmemory"), ModelNotFound("no memory")])
def test_a_startup_failure_is_one_line_and_exit_code_3(
    error: Exception, launch: FakeLaunch, capsys: pytest.CaptureFixture[str]
) -> None:
    launch.outcome = fail_with(error)
    assert main(["serve"]) == 3
    assert only_line(capsys.readouterr().err) == "antiphon: no memory"


def test_ctrl_c_is_exit_code_130(launch: FakeLaunch) -> None:
    def interrupt() -> int:
        raise KeyboardInterrupt

    launch.outcome = interrupt
    assert main(["serve"]) == 130


def test_an_error_of_ours_keeps_its_traceback(launch: FakeLaunch) -> None:
    launch.outcome = fail_with(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        main(["serve"])


class FakeCache:
    """The default cache, as far as `pull` looks at it."""

    @classmethod
    def default(cls) -> "FakeCache":
        return cls()


@pytest.fixture
def locate(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool, bool]]:
    """The calls of a source of models that has every model but one named `absent`."""
    calls: list[tuple[str, bool, bool]] = []

    def fake_locate(
        model: str, *, cache: FakeCache, offline: bool, allow_pickle: bool, progress: Progress
    ) -> Path:
        calls.append((model, offline, allow_pickle))
        if model == "absent":
            raise ModelNotFound("there is no model called absent")
        progress("fetching weights", 0, 2_000_000, "bytes")
        return Path("/models") / model

    source, cache = ModuleType("antiphon.models.source"), ModuleType("antiphon.models.cache")
    source.__dict__["locate"] = fake_locate
    cache.__dict__["ModelCache"] = FakeCache
    monkeypatch.setitem(sys.modules, "antiphon.models.source", source)
    monkeypatch.setitem(sys.modules, "antiphon.models.cache", cache)
    return calls


def test_pull_fetches_the_default_model_and_prints_only_its_folder(
    locate: list[tuple[str, bool, bool]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pull"]) == 0
    assert locate == [(DEFAULT_MODEL, False, False)]
    printed = capsys.readouterr()
    assert printed.out == f"/models/{DEFAULT_MODEL}\n"
    assert printed.err == "fetching weights (2.0 MB)\n"


def test_pull_passes_on_the_trust_in_pickles(locate: list[tuple[str, bool, bool]]) -> None:
    assert main(["pull", "other", "--allow-pickle"]) == 0
    assert locate == [("other", False, True)]


@pytest.mark.usefixtures("locate")
def test_pull_of_an_unknown_model_is_one_line_and_exit_code_3(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["pull", "absent"]) == 3
    assert only_line(capsys.readouterr().err) == "antiphon: there is no model called absent"
