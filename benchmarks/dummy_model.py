"""A network with random weights, and engines around it: what is measured is time, not tokens."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from antiphon.engine.build import assemble_engine
from antiphon.engine.config import EngineConfig, LoadFormat, Speculation
from antiphon.engine.errors import ConfigError
from antiphon.engine.generation import EngineCard
from antiphon.engine.graph_runner import make_runner
from antiphon.engine.llm_engine import LLMEngine, ModelRunner
from antiphon.models.loader import make_dummy_model, read_config
from antiphon.models.network import Network
from antiphon.models.progress import Progress, ignore_progress
from benchmarks.roofline import bytes_read_per_step

BLOCK_SIZE = 16


@dataclass(frozen=True, slots=True)
class Room:
    """What the KV cache has to hold.

    max_batch_size  sequences at once.
    max_model_len   tokens of each, at most.
    num_tokens      of all together; None is that each has the most.
    """

    max_batch_size: int
    max_model_len: int
    num_tokens: int | None = None

    @property
    def num_blocks(self) -> int:
        """With one more for each sequence, as admission leaves room to grow."""
        if self.num_tokens is not None:
            return self.num_tokens // BLOCK_SIZE + 2 * self.max_batch_size
        return self.max_batch_size * (-(-self.max_model_len // BLOCK_SIZE) + 1)


@dataclass(frozen=True, slots=True)
class DummyModel:
    """`weight_bytes` are those that a decode step reads; `runner` runs one engine at a time."""

    network: Network
    runner: ModelRunner
    weight_bytes: int
    room: Room

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        device: torch.device,
        dtype: torch.dtype,
        room: Room,
        seed: int,
        enforce_eager: bool = False,
        progress: Progress = ignore_progress,
    ) -> "DummyModel":
        """Random weights from the folder's config.json, and a KV cache, on the device.

        Raises ModelError, or ConfigError where the model was made for fewer tokens.
        """
        require_context(folder, room.max_model_len)
        model = make_dummy_model(
            folder, device=device, dtype=dtype, trust_remote_code=False, seed=seed
        )
        weight_bytes = bytes_read_per_step(model)
        network = Network(model, max_state_rows=room.max_batch_size)
        network.allocate_kv(room.num_blocks + 1, BLOCK_SIZE)  # the null block is the one more
        config = replace(_config(room), enforce_eager=enforce_eager)
        runner = make_runner(network, _card(network, room), config, progress)
        return cls(network, runner, weight_bytes, room)

    @property
    def card(self) -> EngineCard:
        return _card(self.network, self.room)

    def make_engine(self, prefill_tokens: int) -> LLMEngine:
        """An empty one; a step computes `prefill_tokens` of prompts beside every decode."""
        budget = self.room.max_batch_size + prefill_tokens
        config = replace(_config(self.room), max_num_batched_tokens=budget)
        return assemble_engine(self.network, self.runner, self.card, config)


def _card(network: Network, room: Room) -> EngineCard:
    return EngineCard(
        model_path="",
        architecture=network.architecture,
        device=str(network.device),
        dtype=str(network.dtype).removeprefix("torch."),
        quantization="none",
        attention=network.attention_name,
        vocab_size=network.vocab_size,
        max_model_len=room.max_model_len,
        max_num_seqs=room.max_batch_size,
        block_size=BLOCK_SIZE,
        num_blocks=room.num_blocks,
        kv_cache_bytes=(room.num_blocks + 1) * BLOCK_SIZE * network.kv_bytes_per_token,
        weight_bytes=network.weight_bytes,
    )


def _config(room: Room) -> EngineConfig:
    return EngineConfig(
        speculation=Speculation.OFF,
        model="dummy",
        load_format=LoadFormat.DUMMY,
        max_num_seqs=room.max_batch_size,
        block_size=BLOCK_SIZE,
        prefix_cache=False,
    )


def require_context(folder: Path, max_model_len: int) -> None:
    """Raises ConfigError where the config.json's model was made for fewer tokens."""
    config = read_config(folder, trust_remote_code=False).get_text_config()
    native = getattr(config, "max_position_embeddings", None)
    if native is not None and max_model_len > native:
        raise ConfigError(
            f"Context and steps come to {max_model_len} tokens, "
            f"but the model was made for {native}: lower them."
        )
