"""torch's own flash attention over ragged sequences: the fast path of prompts that begin here."""

import inspect

import torch
from torch import Tensor
from torch.nn.attention.varlen import varlen_attn

from antiphon.models.forward_batch import ForwardBatch, VisibleRange
from antiphon.models.scoring import Scoring

MAX_DIM = 256
DIM_MULTIPLE = 8
MIN_COMPUTE_CAPABILITY = (8, 0)


class VarlenAttention:
    """Attends among a packed pass's own keys, so it takes passes without earlier context.

    It knows windows, but no chunks, softcaps or sinks.
    """

    def __init__(self) -> None:
        # torch 2.11 has no such parameter, and does not say what it does with fewer key heads.
        self._shares_heads = "enable_gqa" in inspect.signature(varlen_attn).parameters

    @staticmethod
    def runs_on(device: torch.device) -> bool:
        return (
            device.type == "cuda"
            and torch.version.cuda is not None
            and torch.cuda.get_device_capability(device) >= MIN_COMPUTE_CAPABILITY
        )

    def fits(
        self,
        query: Tensor,
        value: Tensor,
        batch: ForwardBatch,
        visible: VisibleRange,
        scoring: Scoring,
    ) -> bool:
        """Whether `attend` can serve a layer's call; shapes as in `PagedAttention.attend`."""
        dim = query.shape[3]
        return (
            bool(batch.spans)
            and all(span.offset == 0 for span in batch.spans)
            and visible.chunk_size is None
            and scoring.softcap is None
            and scoring.sinks is None
            and query.dtype in (torch.bfloat16, torch.float16)
            and dim == value.shape[3]
            and dim <= MAX_DIM
            and dim % DIM_MULTIPLE == 0
        )

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        batch: ForwardBatch,
        visible: VisibleRange,
        scoring: Scoring,
    ) -> Tensor:
        """[1, heads, s, dim] and [1, num_kv_heads, s, dim] -> [1, s, heads, dim]."""
        assert batch.tables is not None
        starts, longest = batch.tables.query_starts, batch.tables.max_query_len
        query, key, value = (states[0].transpose(0, 1) for states in (query, key, value))
        options: dict[str, bool] = {}
        if self._shares_heads:
            options["enable_gqa"] = True
        else:
            group_size = query.shape[1] // key.shape[1]
            key, value = (states.repeat_interleave(group_size, dim=1) for states in (key, value))
        # torch counts the keys before a query's own; a window has that one in it.
        left = -1 if visible.window is None else visible.window - 1
        output = varlen_attn(
            query,
            key,
            value,
            starts,
            starts,
            longest,
            longest,
            scale=scoring.scale,
            window_size=(left, 0),
            **options,  # type: ignore[arg-type]
        )
        assert isinstance(output, Tensor)
        return output[None]
