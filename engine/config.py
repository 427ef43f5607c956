"""The engine's settings: one frozen record that checks itself."""

from dataclasses import dataclass
from enum import StrEnum

from antiphon.engine.errors import ConfigError
from antiphon.models.quantization import Quantization


class LoadFormat(StrEnum):
    """Where weights come from."""

    AUTO = "auto"  # the model's own safetensors (or GGUF, converted once)
    DUMMY = "dummy"  # random weights made from the config: for benchmarks and tests


class Speculation(StrEnum):
    """How tokens are guessed that a step then checks, instead of making one after the other."""

    AUTO = "auto"  # ngram on a CPU; off on CUDA, where nobody has measured it
    OFF = "off"
    NGRAM = "ngram"  # what followed the same words before, in the prompt or the output


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How one engine loads and runs its model.

    model                    a local folder, a `.gguf` file, a hub id, or a name that `antiphon
                             pull` knows.
    dtype, device            "auto" picks float32 on a CPU, the checkpoint's own type on CUDA.
    quantization             fewer bits for the weights of linear layers; "auto" takes int8 on a CPU
                             for a catalog model whose perplexity it raises by less than 1 %, as
                             long as no dtype is asked for.
    max_model_len            tokens of prompt and output together; None is what the model was made
                             for.
    max_num_seqs             sequences that run at once; further ones wait.
    max_num_batched_tokens   the token budget of one step; a longer prompt is prefilled in chunks.
                             None is 2048 on CUDA and 512 on a CPU, where prefill is slow and other
                             sequences wait for the end of a step.
    kv_cache_memory_bytes    None takes a quarter of the free memory on a CPU, most of it on CUDA.
    max_queued_seqs          waiting sequences above which new ones are refused.
    speculation              whether tokens are guessed and checked several at a time.
    speculation_max_batch    sequences that run at once above which nothing is guessed.
    enforce_eager            whether decode steps on CUDA run without captured graphs.
    num_threads              CPU threads of the engine; None is one per core.

    Raises ConfigError naming the option and the fix.
    """

    model: str
    load_format: LoadFormat = LoadFormat.AUTO
    dtype: str = "auto"
    device: str = "auto"
    quantization: Quantization = Quantization.AUTO
    max_model_len: int | None = None
    max_num_seqs: int = 256
    max_num_batched_tokens: int | None = None
    kv_cache_memory_bytes: int | None = None
    block_size: int = 16
    max_queued_seqs: int = 1024
    prefix_cache: bool = True
    speculation: Speculation = Speculation.AUTO
    speculation_max_batch: int = 4
    enforce_eager: bool = False
    num_threads: int | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False
    offline: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _require(
            self.dtype in DTYPES, f"dtype must be one of {', '.join(DTYPES)}; got {self.dtype!r}"
        )
        _require(
            self.max_model_len is None or self.max_model_len >= 2,
            "max_model_len must be at least 2",
        )
        _require(self.max_num_seqs >= 1, "max_num_seqs must be at least 1")
        _require(
            self.max_num_batched_tokens is None or self.max_num_batched_tokens >= self.max_num_seqs,
            f"max_num_batched_tokens ({self.max_num_batched_tokens}) must be at least "
            f"max_num_seqs ({self.max_num_seqs}), so that every running sequence can decode: "
            "raise it or lower max_num_seqs",
        )
        _require(1 <= self.block_size <= 4096, "block_size must be between 1 and 4096")
        for name in ("max_model_len", "max_num_seqs", "max_num_batched_tokens", "max_queued_seqs"):
            value = getattr(self, name)
            _require(value is None or value < 2**31, f"{name} must be below 2^31")
        _require(self.speculation_max_batch >= 1, "speculation_max_batch must be at least 1")
        _require(-(2**63) <= self.seed < 2**63, "seed must fit 64 bits")
        _require(self.max_queued_seqs >= 0, "max_queued_seqs must not be negative")
        _require(
            self.num_threads is None or self.num_threads >= 1, "num_threads must be at least 1"
        )
        _require(
            self.kv_cache_memory_bytes is None or 0 < self.kv_cache_memory_bytes < 2**63,
            "kv_cache_memory must be positive and below 2^63 bytes",
        )


DTYPES = ("auto", "float32", "bfloat16", "float16")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ConfigError(message)
