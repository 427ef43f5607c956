"""Fewer bits for weights."""

from enum import StrEnum


class Quantization(StrEnum):
    """What linear layers hold."""

    AUTO = "auto"  # int8 on a CPU where the catalog says what it costs, none elsewhere
    NONE = "none"  # the checkpoint's own weights
    INT8 = "int8"  # a scale for each row; LLM.int8 of bitsandbytes on CUDA
    NF4 = "nf4"  # 4 bits, on CUDA through bitsandbytes
