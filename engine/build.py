"""From settings to a loaded engine: find the model, load it, size the cache, join the parts."""

from pathlib import Path

import torch
from transformers import PreTrainedConfig, PreTrainedModel

from antiphon.engine.block_manager import BlockManager
from antiphon.engine.config import EngineConfig, LoadFormat, Speculation
from antiphon.engine.device import describe_device, find_device
from antiphon.engine.errors import EngineStartupError
from antiphon.engine.generation import EngineCard
from antiphon.engine.graph_runner import make_runner
from antiphon.engine.kv_cache import num_kv_blocks
from antiphon.engine.llm_engine import LLMEngine, ModelRunner
from antiphon.engine.scheduler import Scheduler
from antiphon.engine.speculator import Speculator
from antiphon.models.cache import ModelCache
from antiphon.models.catalog import find_entry
from antiphon.models.cpu_kernels.openmp import has_openmp
from antiphon.models.cpu_kernels.registers import REGISTERS
from antiphon.models.cpu_layout import CpuLinear
from antiphon.models.frozen_rope import freeze_rope
from antiphon.models.loader import load_model, make_dummy_model, read_config
from antiphon.models.network import Network
from antiphon.models.progress import Progress
from antiphon.models.quantization import Quantization
from antiphon.models.quantized_loading import quantization_method
from antiphon.models.source import Weights, locate

CPU_TOKEN_BUDGET = 512
CUDA_TOKEN_BUDGET = 2048
WORST_INT8_PERPLEXITY = 1.01  # against float32


def build_engine(config: EngineConfig, progress: Progress) -> tuple[LLMEngine, EngineCard]:
    """Raises ModelError or EngineStartupError with one clear line."""
    if config.num_threads is not None:
        torch.set_num_threads(config.num_threads)
    folder = locate(
        config.model,
        cache=ModelCache.default(),
        offline=config.offline,
        allow_pickle=config.allow_pickle,
        weights=Weights.NONE if config.load_format is LoadFormat.DUMMY else Weights.REQUIRED,
        progress=progress,
    )
    max_model_len = _max_model_len(folder, config)
    device = find_device(config.device)
    quantization = chosen_quantization(config, device)
    model = _load(folder, config, device, quantization, progress)
    freeze_rope(model, max_model_len)
    network = _network(model, config, quantization, progress)
    num_blocks = num_kv_blocks(network, config, max_model_len)
    _allocate_kv(network, num_blocks + 1, config.block_size)
    card = EngineCard(
        model_path=str(folder),
        architecture=network.architecture,
        device=describe_device(network.device),
        dtype=str(network.dtype).removeprefix("torch."),
        quantization=_shown(quantization, model.config),
        attention=network.attention_name,
        vocab_size=network.vocab_size,
        max_model_len=max_model_len,
        max_num_seqs=config.max_num_seqs,
        block_size=config.block_size,
        num_blocks=num_blocks,
        kv_cache_bytes=(num_blocks + 1) * config.block_size * network.kv_bytes_per_token,
        weight_bytes=network.weight_bytes,
    )
    runner = make_runner(network, card, config, progress)
    return assemble_engine(network, runner, card, config), card


def assemble_engine(
    network: Network, runner: ModelRunner, card: EngineCard, config: EngineConfig
) -> LLMEngine:
    """The engine around a network whose KV cache is allocated, and what runs it."""
    blocks = BlockManager(
        card.num_blocks,
        card.block_size,
        # A cached prefix brings back keys and values, but not the state of a hybrid model's layers.
        prefix_cache=config.prefix_cache and not network.has_state,
    )
    budget = config.max_num_batched_tokens or max(
        config.max_num_seqs,
        CUDA_TOKEN_BUDGET if network.device.type == "cuda" else CPU_TOKEN_BUDGET,
    )
    scheduler = Scheduler(
        blocks,
        max_num_seqs=config.max_num_seqs,
        max_num_batched_tokens=budget
        if network.continues_state
        else max(budget, card.max_model_len),
        chunked_prefill=network.continues_state,
        speculator=_speculator(network, config),
    )
    return LLMEngine(
        blocks, scheduler, runner, max_sequence_len=card.max_sequence_len, seed=config.seed
    )


def _speculator(network: Network, config: EngineConfig) -> Speculator:
    """A hybrid model gets none: its layers can't take back the state after a wrong draft.

    Raises EngineStartupError where drafts were asked for all the same.
    """
    if network.has_state and config.speculation is Speculation.NGRAM:
        raise EngineStartupError(
            f"{network.architecture} keeps a state that can't be taken back after a wrong guess: "
            "leave speculation at auto or off"
        )
    is_on = not network.has_state and (
        config.speculation is Speculation.NGRAM
        or (config.speculation is Speculation.AUTO and network.device.type == "cpu")
    )
    return Speculator(config.speculation_max_batch if is_on else 0)


def _network(
    model: PreTrainedModel, config: EngineConfig, quantization: Quantization, progress: Progress
) -> Network:
    if model.device.type != "cpu":
        return Network(model, max_state_rows=config.max_num_seqs)
    stage = "Preparing for this processor (a first start compiles)"
    progress(stage, 0, None, "steps")
    network = Network(
        model,
        max_state_rows=config.max_num_seqs,
        quantized=_quantized(quantization),
    )
    progress(stage, 1, 1, "steps")
    return network


def _quantized(quantization: Quantization) -> CpuLinear | None:
    if quantization is not Quantization.INT8:
        return None
    from antiphon.models.fusion.panel_linear import Int8Linear  # compiled as it is imported

    return Int8Linear


def _load(
    folder: Path,
    config: EngineConfig,
    device: torch.device,
    quantization: Quantization,
    progress: Progress,
) -> PreTrainedModel:
    dtype = _dtype(config.dtype, device)
    if config.load_format is LoadFormat.DUMMY:
        if quantization is not Quantization.NONE and device.type == "cuda":
            raise EngineStartupError("Random weights can't be quantized on CUDA.")
        return make_dummy_model(
            folder,
            device=device,
            dtype=dtype,
            trust_remote_code=config.trust_remote_code,
            seed=config.seed,
        )
    return load_model(
        folder,
        device=device,
        dtype=dtype,
        trust_remote_code=config.trust_remote_code,
        allow_pickle=config.allow_pickle,
        progress=progress,
        quantization=quantization,
    )


def chosen_quantization(config: EngineConfig, device: torch.device) -> Quantization:
    """What "auto" comes to: 8 bits only where their cost was measured, and where they are faster.

    Raises EngineStartupError for 8 bits that were asked for and can't be had.
    """
    if config.quantization is Quantization.INT8 and device.type == "cpu" and not has_openmp():
        raise EngineStartupError("8 bits on a CPU need a torch that comes with GNU's OpenMP.")
    if config.quantization is not Quantization.AUTO:
        return config.quantization
    entry = find_entry(config.model)
    is_checked = (
        entry is not None
        and entry.int8_perplexity is not None
        and entry.int8_perplexity <= WORST_INT8_PERPLEXITY
    )
    is_faster = device.type == "cpu" and has_openmp() and REGISTERS.has_dots
    if config.dtype == "auto" and is_checked and is_faster:
        return Quantization.INT8
    return Quantization.NONE


def _shown(quantization: Quantization, config: PreTrainedConfig) -> str:
    """What was asked for, else what the checkpoint was quantized with."""
    if quantization is not Quantization.NONE:
        return quantization.value
    return quantization_method(config) or quantization.value


def _allocate_kv(network: Network, num_blocks: int, block_size: int) -> None:
    try:
        network.allocate_kv(num_blocks, block_size)
    except (RuntimeError, MemoryError) as error:
        size = num_blocks * block_size * network.kv_bytes_per_token
        raise EngineStartupError(
            f"{size} bytes for the KV cache could not be had: lower kv_cache_memory."
        ) from error


def _max_model_len(folder: Path, config: EngineConfig) -> int:
    text_config = read_config(folder, trust_remote_code=config.trust_remote_code).get_text_config()
    native = getattr(text_config, "max_position_embeddings", None)
    if config.max_model_len is None:
        return native if native is not None else 8192
    if native is not None and config.max_model_len > native:
        raise EngineStartupError(
            f"max_model_len is {config.max_model_len}, "
            f"but the model was made for {native} tokens: lower it."
        )
    return config.max_model_len


def _dtype(name: str, device: torch.device) -> torch.dtype | None:
    """None is the checkpoint's own. A CPU gets float32: few are faster in anything else."""
    if name != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[
            name
        ]
    return torch.float32 if device.type == "cpu" else None
