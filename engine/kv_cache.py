"""How many blocks the KV cache gets."""

import psutil
import torch

from antiphon.engine.config import EngineConfig
from antiphon.engine.decode_graphs import graph_bytes
from antiphon.engine.errors import EngineStartupError
from antiphon.models.network import Network

# Of the memory that is free beside the weights. A CPU shares its own with everybody else.
CPU_SHARE = 0.25
CUDA_SHARE = 0.85


def num_kv_blocks(network: Network, config: EngineConfig, max_model_len: int) -> int:
    """Usable blocks: what the memory allows, or less if all sequences together can't fill it.

    Raises EngineStartupError when not even one block fits.
    """
    block_bytes = network.kv_bytes_per_token * config.block_size
    most = config.max_num_seqs * -(-max_model_len // config.block_size)
    if block_bytes == 0:
        return most  # no layer attends: blocks only count tokens
    memory_bytes = config.kv_cache_memory_bytes or _default_memory_bytes(network, config)
    num_blocks = min(most, memory_bytes // block_bytes - 1)  # one is the null block
    if num_blocks < 1:
        raise EngineStartupError(
            f"A KV cache of {memory_bytes} bytes holds no block of {config.block_size} tokens "
            f"({block_bytes} bytes) beside the null block: "
            "raise kv_cache_memory or lower block_size."
        )
    return int(num_blocks)


def _default_memory_bytes(network: Network, config: EngineConfig) -> int:
    if network.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(network.device)
        graphs = 0 if config.enforce_eager else graph_bytes(config.max_num_seqs, network.vocab_size)
        return max(0, int(free * CUDA_SHARE) - graphs)
    return int(psutil.virtual_memory().available * CPU_SHARE)
