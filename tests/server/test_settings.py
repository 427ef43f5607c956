"""Settings: four sources, one order, and errors that name where a mistake was made."""

import os
from dataclasses import fields
from pathlib import Path

import pytest
from pydantic import ValidationError

from antiphon.engine.config import EngineConfig, LoadFormat, Speculation
from antiphon.models.catalog import DEFAULT_MODEL
from antiphon.models.quantization import Quantization
from antiphon.server.settings import Settings
from antiphon.server.settings_loading import load_settings
from antiphon.server.settings_sources import SettingsError
from antiphon.server.settings_table import setting_rows, settings_page

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("ANTIPHON_")]:
        monkeypatch.delenv(variable)


def write_file(folder: Path, text: str) -> str:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_each_source_wins_over_the_ones_after_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = write_file(tmp_path, 'host = "file"\nport = 1\nseed = 1\n')
    monkeypatch.setenv("ANTIPHON_PORT", "2")
    monkeypatch.setenv("ANTIPHON_SEED", "2")
    settings = load_settings({"config": config, "seed": "3"})
    assert (settings.seed, settings.port, settings.host) == (3, 2, "file")
    assert settings.block_size == EngineConfig(model="any").block_size


def test_the_file_can_be_named_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANTIPHON_CONFIG", write_file(tmp_path, "port = 7\n"))
    assert load_settings({}).port == 7


def test_no_file_is_read_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_file(tmp_path, "port = 7\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings({}).port == 8000


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_PORT", "")
    assert load_settings({}).port == 8000


def test_an_unknown_variable_is_named_with_the_one_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_PROT", "80")
    with pytest.raises(SettingsError, match="ANTIPHON_PROT; did you mean ANTIPHON_PORT"):
        load_settings({})


def test_the_cache_folders_variable_is_no_setting_and_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTIPHON_CACHE_DIR", "/somewhere")
    assert load_settings({}) == Settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max-num-seqs = 4\n", "unknown key 'max-num-seqs'.*did you mean max_num_seqs"),
        ('config = "other.toml"\n', "unknown key 'config'"),
        ("[server]\nport = 1\n", "unknown key 'server'"),
        ("port = \n", "is not TOML"),
        ("port = 70000\n", "port in the settings file.*70000"),
    ],
)
def test_a_mistake_in_the_file_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings({"config": write_file(tmp_path, text)})


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml cannot be read"):
        load_settings({"config": str(tmp_path / "absent.toml")})


def test_a_wrong_value_names_the_flag_or_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"^--max-num-seqs: .*'many'"):
        load_settings({"max_num_seqs": "many"})
    monkeypatch.setenv("ANTIPHON_KV_CACHE_MEMORY", "4GB of it")
    with pytest.raises(SettingsError, match=r"^ANTIPHON_KV_CACHE_MEMORY: "):
        load_settings({})


def test_several_mistakes_are_told_in_one_line() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"port": "x", "log_level": "loud"})
    message = str(caught.value)
    assert "--port" in message
    assert "--log-level" in message
    assert "\n" not in message


def test_what_the_engine_refuses_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="max_num_batched_tokens"):
        load_settings({"max_num_seqs": "64", "max_num_batched_tokens": "32"})
    with pytest.raises(SettingsError, match="dtype must be one of"):
        load_settings({"dtype": "int3"})


def test_a_chat_template_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^--chat-template: "):
        load_settings({"chat_template": str(tmp_path / "absent.jinja")})


def test_the_defaults_of_the_engine_are_the_engines_own() -> None:
    assert Settings().engine_config() == EngineConfig(model=DEFAULT_MODEL)


def test_every_setting_of_the_engine_can_be_set() -> None:
    settings = Settings(
        model="other",
        load_format=LoadFormat.DUMMY,
        dtype="bfloat16",
        quantization=Quantization.NF4,
        device="cuda:1",
        max_model_len=99,
        max_num_seqs=3,
        max_num_batched_tokens=33,
        kv_cache_memory="1KiB",  # type: ignore[arg-type]
        block_size=8,
        max_queued_requests=5,
        prefix_cache=False,
        speculation=Speculation.NGRAM,
        speculation_max_batch=3,
        enforce_eager=True,
        num_threads=2,
        trust_remote_code=True,
        allow_pickle=True,
        offline=True,
        seed=17,
    )
    config, default = settings.engine_config(), Settings().engine_config()
    names = {field.name for field in fields(EngineConfig)}
    assert {name for name in names if getattr(config, name) == getattr(default, name)} == set()
    assert config.kv_cache_memory_bytes == 1024


@pytest.mark.parametrize(
    ("text", "count"), [("1000", 1000), ("4GiB", 4 * 1024**3), ("500MB", 500_000_000)]
)
def test_memory_is_given_in_bytes_or_with_a_unit(text: str, count: int) -> None:
    assert load_settings({"kv_cache_memory": text}).kv_cache_memory == count


@pytest.mark.parametrize("text", ["1,5GiB", "4GB of it", "-4", "lots", "4 gigs", ""])
def test_memory_that_is_not_understood_whole_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^--kv-cache-memory: "):
        load_settings({"kv_cache_memory": text})


def test_names_are_split_at_commas_in_every_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert load_settings({"served_model_name": ["a,b", "c"]}).served_model_name == ("a", "b", "c")
    config = write_file(tmp_path, 'served_model_name = ["d", "e"]\n')
    assert load_settings({"config": config}).served_model_name == ("d", "e")
    monkeypatch.setenv("ANTIPHON_SERVED_MODEL_NAME", "f, g")
    assert load_settings({}).served_model_name == ("f", "g")


def test_clients_call_the_model_by_its_own_name_unless_told_otherwise() -> None:
    assert load_settings({"model": "here"}).served_model_names == ("here",)
    assert Settings(model="here", served_model_name=("a",)).served_model_names == ("a",)


def test_settings_cannot_be_changed() -> None:
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1


def test_every_setting_is_described() -> None:
    assert [row.name for row in setting_rows() if not row.description.endswith(".")] == []


def test_the_page_of_settings_is_up_to_date() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_page(), "python -m antiphon.server.settings_table > docs/settings.md"
