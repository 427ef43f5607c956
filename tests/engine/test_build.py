"""What settings come to when an engine is built."""

from pathlib import Path

import pytest
import torch

from antiphon.engine.build import build_engine, chosen_quantization
from antiphon.engine.config import EngineConfig, LoadFormat, Speculation
from antiphon.engine.errors import EngineStartupError
from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.catalog import DEFAULT_MODEL
from antiphon.models.cpu_kernels.registers import Registers
from antiphon.models.errors import UnsupportedModel
from antiphon.models.progress import ignore_progress
from antiphon.models.quantization import Quantization
from tests.engines import random_prompts, run
from tests.models.fusion.test_swaps import tiny_model
from tests.tiny import train_tokenizer

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def config(folder: Path, **changes: object) -> EngineConfig:
    options: dict[str, object] = {
        "model": str(folder),
        "kv_cache_memory_bytes": 1_000_000,
        "max_num_seqs": 4,
    }
    return EngineConfig(**options | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("has_dots", [True, False])
def test_a_model_whose_loss_is_known_and_small_is_quantized_on_a_cpu_that_multiplies_bytes(
    has_dots: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    registers = Registers(lanes=8, max_rows=6, has_dots=has_dots)
    monkeypatch.setattr("antiphon.engine.build.REGISTERS", registers)
    settings = EngineConfig(model=DEFAULT_MODEL)
    expected = Quantization.INT8 if has_dots else Quantization.NONE
    assert chosen_quantization(settings, CPU) is expected
    assert chosen_quantization(settings, CUDA) is Quantization.NONE


def test_eight_bits_are_refused_where_no_loop_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.engine.build.has_openmp", lambda: False)
    settings = EngineConfig(model=DEFAULT_MODEL, quantization=Quantization.INT8)
    with pytest.raises(EngineStartupError, match="OpenMP"):
        chosen_quantization(settings, CPU)
    assert chosen_quantization(EngineConfig(model=DEFAULT_MODEL), CPU) is Quantization.NONE


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_type_that_was_asked_for_is_kept(dtype: str) -> None:
    settings = EngineConfig(model=DEFAULT_MODEL, dtype=dtype)
    assert chosen_quantization(settings, CPU) is Quantization.NONE


def test_a_model_that_nobody_has_measured_is_not_quantized(folder: Path) -> None:
    assert chosen_quantization(config(folder), CPU) is Quantization.NONE


def test_eight_bits_are_nearly_the_model(folder: Path) -> None:
    """And the card says what they are and what they weigh."""
    prompts = random_prompts([9, 30], vocab_size=500)
    params = SamplingParams(temperature=0, max_tokens=4, num_top_logprobs=0)
    plain, plain_card = build_engine(config(folder), ignore_progress)
    rounded, card = build_engine(config(folder, quantization=Quantization.INT8), ignore_progress)
    assert (plain_card.quantization, card.quantization) == ("none", "int8")
    assert card.weight_bytes < 0.6 * plain_card.weight_bytes
    expected, actual = run(plain, prompts, params), run(rounded, prompts, params)
    for sequence_id in prompts:
        first, second = (outputs[sequence_id].logprobs[0].logprob for outputs in (expected, actual))
        assert first == pytest.approx(second, abs=0.2)


def test_four_bits_on_a_cpu_are_refused(folder: Path) -> None:
    with pytest.raises(UnsupportedModel, match="nf4 needs CUDA"):
        build_engine(config(folder, quantization=Quantization.NF4), ignore_progress)


def test_a_type_that_has_no_eight_bit_product_is_refused(folder: Path) -> None:
    settings = config(folder, quantization=Quantization.INT8, dtype="float16")
    with pytest.raises(UnsupportedModel, match="no layer that this processor computes in 8 bits"):
        build_engine(settings, ignore_progress)


def test_guesses_are_refused_for_a_model_that_cannot_take_them_back(tmp_path: Path) -> None:
    train_tokenizer(tmp_path)
    tiny_model("lfm2").config.save_pretrained(tmp_path)
    settings = config(tmp_path, load_format=LoadFormat.DUMMY, speculation=Speculation.NGRAM)
    with pytest.raises(EngineStartupError, match="can't be taken back"):
        build_engine(settings, ignore_progress)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"device": "meta"}, "meta"),
        ({"kv_cache_memory_bytes": 2**62, "max_num_seqs": 2**30}, "kv_cache_memory"),
        ({"kv_cache_memory_bytes": 100}, "kv_cache_memory"),
        ({"max_model_len": 100_000}, "max_model_len"),
    ],
)
def test_a_setting_that_cannot_be_met_is_named(
    folder: Path, changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(EngineStartupError, match=complaint) as caught:
        build_engine(config(folder, **changes), ignore_progress)
    assert "\n" not in str(caught.value)


def test_random_weights_are_not_quantized_on_cuda(folder: Path) -> None:
    settings = config(
        folder, quantization=Quantization.INT8, load_format=LoadFormat.DUMMY, device="cuda"
    )
    with pytest.raises(EngineStartupError):
        build_engine(settings, ignore_progress)
