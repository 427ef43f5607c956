"""Every setting of the server, once.

The flags of `antiphon serve`, the `ANTIPHON_*` variables, the settings file and docs/settings.md
are all made from the fields of `Settings`. Precedence: flags, environment, file, default.
"""

import re
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_data_dir
from pydantic import BeforeValidator, ByteSize, Field, FilePath
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from antiphon.engine.config import DTYPES, EngineConfig, LoadFormat, Speculation
from antiphon.models.catalog import DEFAULT_MODEL
from antiphon.models.quantization import Quantization
from antiphon.server.delivery.event_names import EventNaming
from antiphon.server.protocol.unsupported import UnsupportedTools
from antiphon.server.settings_sources import (
    ENVIRONMENT_PREFIX,
    read_settings_file,
)
from antiphon.server.store.store import StoreConfig

SECONDS_PER_DAY = 24 * 60 * 60

_ENGINE = EngineConfig(model=DEFAULT_MODEL)  # the engine's defaults are written there, not here


def _split_names(names: object) -> object:
    """`"a,b"` and `["a,b", "c"]` become single names; anything else is left to validation."""
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        return names
    return tuple(part.strip() for name in names for part in name.split(",") if part.strip()) or None


def _check_size(size: object) -> object:
    """ByteSize reads the beginning of a text and forgets the rest: `1,5GiB` would be one byte."""
    if isinstance(size, str) and not re.fullmatch(r"\s*\d+(\.\d+)?\s*[A-Za-z]*\s*", size):
        raise ValueError("must be a number of bytes, or a number and a unit such as 4GiB")
    return size


Bytes = Annotated[ByteSize, BeforeValidator(_check_size)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_names)]


class Settings(BaseSettings):
    """What one server runs with; `settings_loading.load_settings` makes it for the command line."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True
    )

    model: str = Field(
        default=DEFAULT_MODEL,
        min_length=1,
        description="The model: a local folder, a `.gguf` file, a hub id, "
        "or a name that `antiphon pull` knows.",
    )
    config: Path | None = Field(
        default=None,
        description="A TOML file with settings, named as here. No file is read unless named.",
    )
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="The address to listen on; 0.0.0.0 is every network of this machine.",
    )
    port: int = Field(
        default=8000, ge=0, le=65535, description="The port to listen on; 0 takes any free one."
    )
    served_model_name: Names | None = Field(
        default=None,
        description="What clients call the model; several names are separated by commas. "
        "Unset: the model as given.",
    )
    dtype: str = Field(
        default=_ENGINE.dtype,
        description=f"The type of weights and KV cache: {', '.join(DTYPES)}. "
        "auto is float32 on a CPU and the checkpoint's own on CUDA.",
    )
    quantization: Quantization = Field(
        default=_ENGINE.quantization,
        description="Fewer bits for weights: none, int8, or nf4 (CUDA only). auto is int8 on a CPU "
        "for catalog models whose perplexity that raises by less than 1 %, unless a dtype is "
        "asked for; else none.",
    )
    device: str = Field(
        default=_ENGINE.device,
        min_length=1,
        description="Where the model runs, such as cpu, cuda or cuda:1.",
    )
    max_model_len: int | None = Field(
        default=_ENGINE.max_model_len,
        description="Tokens of prompt and output together. Unset: what the model was made for.",
    )
    max_num_seqs: int = Field(
        default=_ENGINE.max_num_seqs,
        description="Sequences that run at once; further ones wait in the queue.",
    )
    max_num_batched_tokens: int | None = Field(
        default=_ENGINE.max_num_batched_tokens,
        description="The token budget of one engine step; a longer prompt is prefilled in chunks. "
        "Unset: 512 on a CPU, 2048 on CUDA, and never less than max_num_seqs.",
    )
    kv_cache_memory: Bytes | None = Field(
        default=None,
        description="Memory for the KV cache, in bytes or as 4GiB or 500MB. "
        "Unset: a quarter of the free memory on a CPU, most of it on CUDA, "
        "and never more than all sequences at full length need.",
    )
    block_size: int = Field(
        default=_ENGINE.block_size, description="Tokens in one block of the KV cache."
    )
    max_queued_requests: int = Field(
        default=_ENGINE.max_queued_seqs,
        ge=0,
        description="Waiting sequences above which new requests are answered with 429.",
    )
    prefix_cache: bool = Field(
        default=_ENGINE.prefix_cache,
        description="Reuse the keys and values of prompts that begin alike.",
    )
    speculation: Speculation = Field(
        default=_ENGINE.speculation,
        description="Guess tokens and check several at a time, which changes none of them: off, or "
        "ngram, where the text repeats what the prompt or the answer said before. auto is ngram on "
        "a CPU and off on CUDA.",
    )
    speculation_max_batch: int = Field(
        default=_ENGINE.speculation_max_batch,
        description="Sequences that run at once above which nothing is guessed.",
    )
    enforce_eager: bool = Field(
        default=_ENGINE.enforce_eager,
        description="Run decode steps on CUDA kernel by kernel instead of as captured graphs: "
        "slower, but it starts sooner and takes less memory.",
    )
    load_format: LoadFormat = Field(
        default=_ENGINE.load_format,
        description="auto reads the model's weights; dummy makes random ones, for tests.",
    )
    num_threads: int | None = Field(
        default=_ENGINE.num_threads, description="CPU threads of the engine. Unset: one per core."
    )
    trust_remote_code: bool = Field(
        default=_ENGINE.trust_remote_code, description="Run Python code that comes with the model."
    )
    allow_pickle: bool = Field(
        default=_ENGINE.allow_pickle,
        description="Load pickled weights, which can run any code; safetensors need no such trust.",
    )
    offline: bool = Field(
        default=_ENGINE.offline, description="Fetch nothing: use only what lies on this machine."
    )
    seed: int = Field(
        default=_ENGINE.seed, description="Seed of requests that bring none, and of dummy weights."
    )
    chat_template: FilePath | None = Field(
        default=None, description="A Jinja file that replaces the model's own chat template."
    )
    dialect: str | None = Field(
        default=None,
        description="How the model writes reasoning and tool calls, by name. "
        "Unset: found out from its chat template.",
    )
    api_key: Names | None = Field(
        default=None,
        description="Keys that clients have to send one of; several are separated by commas. What "
        "one key has stored, no other can read. Unset: anybody is let in, and all share one store.",
    )
    data_dir: Path | None = Field(
        default=None,
        description="The folder of the store and of the key that seals what clients carry. "
        "Unset: the user's data folder.",
    )
    store_url: str | None = Field(
        default=None,
        description="The database of responses and conversations, as a SQLAlchemy URL. "
        "Unset: SQLite in the data folder; `sqlite://` is in memory.",
    )
    store_max_bytes: Bytes = Field(
        default=ByteSize(1024**3),
        gt=0,
        description="What the store holds at most; the least recently used goes first.",
    )
    store_max_age_days: float = Field(
        default=30.0,
        gt=0,
        allow_inf_nan=False,
        description="How long after its last use something stays in the store.",
    )
    fetch_urls: bool = Field(
        default=False, description="Fetch files that a request names by URL (`file_url`)."
    )
    fetch_private_addresses: bool = Field(
        default=False,
        description="Fetch them also from private networks and from this machine.",
    )
    unsupported_tools: UnsupportedTools = Field(
        default=UnsupportedTools.DROP,
        description="What becomes of tools that the server would have to run itself: "
        "drop leaves them out and says so in a header, reject answers 400.",
    )
    reasoning_events: EventNaming = Field(
        default=EventNaming.AUTO,
        description="What streamed reasoning is called: standard is response.reasoning.*, openai "
        "response.reasoning_text.*, auto what the client's headers say that it knows.",
    )
    websocket: bool = Field(
        default=True, description="Take WebSocket connections at /v1/responses."
    )
    websocket_max_seconds: float = Field(
        default=3600.0, gt=0, allow_inf_nan=False, description="How long one of them may last."
    )
    max_body_bytes: Bytes = Field(
        default=ByteSize(64 * 1024**2),
        gt=0,
        description="The largest request body, in bytes or as 64MiB; "
        "a larger one is answered with 413.",
    )
    shutdown_timeout_seconds: float = Field(
        default=30.0,
        ge=0,
        allow_inf_nan=False,
        description="How long running requests may finish after the first Ctrl-C or SIGTERM.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important messages that are still logged."
    )

    @property
    def served_model_names(self) -> tuple[str, ...]:
        """The names clients may use, at least one; the first is the one reported."""
        return self.served_model_name or (self.model,)

    @property
    def data_folder(self) -> Path:
        return self.data_dir or Path(user_data_dir("antiphon", appauthor=False))

    def store_config(self) -> StoreConfig:
        """The store's share."""
        return StoreConfig(
            url=self.store_url or f"sqlite:///{self.data_folder.absolute() / 'store.sqlite3'}",
            max_bytes=int(self.store_max_bytes),
            max_age_seconds=self.store_max_age_days * SECONDS_PER_DAY,
        )

    def engine_config(self) -> EngineConfig:
        """The engine's share. Raises ConfigError if a value is out of range."""
        return EngineConfig(
            model=self.model,
            load_format=self.load_format,
            dtype=self.dtype,
            quantization=self.quantization,
            device=self.device,
            max_model_len=self.max_model_len,
            max_num_seqs=self.max_num_seqs,
            max_num_batched_tokens=self.max_num_batched_tokens,
            kv_cache_memory_bytes=None
            if self.kv_cache_memory is None
            else int(self.kv_cache_memory),
            block_size=self.block_size,
            max_queued_seqs=self.max_queued_requests,
            prefix_cache=self.prefix_cache,
            speculation=self.speculation,
            speculation_max_batch=self.speculation_max_batch,
            enforce_eager=self.enforce_eager,
            num_threads=self.num_threads,
            trust_remote_code=self.trust_remote_code,
            allow_pickle=self.allow_pickle,
            offline=self.offline,
            seed=self.seed,
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = init_settings().get("config") or env_settings().get("config")
        known = settings_cls.model_fields.keys() - {"config"}
        values = read_settings_file(Path(path), known) if path else {}
        return init_settings, env_settings, InitSettingsSource(settings_cls, values)
