"""A network with random weights, and engines around it: what is measured is time, not tokens."""

from dataclasses import dataclass
from pathlib import Path

import torch

from antiphon.engine.build import assemble_engine
from antiphon.engine.config import EngineConfig, LoadFormat
from antiphon.engine.errors import ConfigError
from antiphon.engine.generation import EngineCard
from antiphon.engine.llm_engine import LLMEngine
from antiphon.models.loader import make_dummy_model, read_config
from antiphon.models.network import Network
from benchmarks.roofline import bytes_read_per_step

BLOCK_SIZE = 16


@dataclass(frozen=True, slots=True)
class Room:
    """What the KV cache has to hold.

    max_batch_size  sequences at once.
    max_model_len   tokens of each.
    """

    max_batch_size: int
    max_model_len: int

    @property
    def num_blocks(self) -> int:
        """With one more for each sequence, as admission leaves room to grow."""
        return self.max_batch_size * (-(-self.max_model_len // BLOCK_SIZE) + 1)


@dataclass(frozen=True, slots=True)
class DummyModel:
    """`weight_bytes` are those that a decode step reads."""

    network: Network
    weight_bytes: int
    room: Room

    @classmethod
    def load(
        cls, folder: Path, *, device: torch.device, dtype: torch.dtype, room: Room, seed: int
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
        return cls(network, weight_bytes, room)

    @property
    def card(self) -> EngineCard:
        network, room = self.network, self.room
        return EngineCard(
            model_path="",
            architecture=network.architecture,
            device=str(network.device),
            dtype=str(network.dtype).removeprefix("torch."),
            attention="paged",
            vocab_size=network.vocab_size,
            max_model_len=room.max_model_len,
            max_num_seqs=room.max_batch_size,
            block_size=BLOCK_SIZE,
            num_blocks=room.num_blocks,
            kv_cache_bytes=(room.num_blocks + 1) * BLOCK_SIZE * network.kv_bytes_per_token,
            weight_bytes=network.weight_bytes,
        )

    def make_engine(self, prefill_tokens: int) -> LLMEngine:
        """An empty one; a step computes `prefill_tokens` of prompts beside every decode."""
        config = EngineConfig(
            model="dummy",
            load_format=LoadFormat.DUMMY,
            max_num_seqs=self.room.max_batch_size,
            max_num_batched_tokens=self.room.max_batch_size + prefill_tokens,
            block_size=BLOCK_SIZE,
            prefix_cache=False,
        )
        return assemble_engine(self.network, self.card, config)


def require_context(folder: Path, max_model_len: int) -> None:
    """Raises ConfigError where the config.json's model was made for fewer tokens."""
    config = read_config(folder, trust_remote_code=False).get_text_config()
    native = getattr(config, "max_position_embeddings", None)
    if native is not None and max_model_len > native:
        raise ConfigError(
            f"Context and steps come to {max_model_len} tokens, "
            f"but the model was made for {native}: lower them."
        )
