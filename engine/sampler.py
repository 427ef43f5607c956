"""Logits to token ids, every row by its own parameters."""

from collections.abc import Callable

import torch
from torch import Tensor

from antiphon.engine.random_stream import uniform
from antiphon.engine.sampling_params import SamplingParams
from antiphon.engine.sequence import Sequence
from antiphon.engine.truncation import truncate

# Below this, float32 can't tell sampling from taking the likeliest.
MIN_TEMPERATURE = 1e-5

Pick = Callable[[Tensor, list[SamplingParams], Tensor], Tensor]


def sample(logits: Tensor, sequences: list[Sequence]) -> list[int]:
    """One token id per row.

    logits: [num_rows, vocab_size] float32, changed in place.
    """
    for row, sequence in zip(logits, sequences, strict=True):
        _adjust(row, sequence)
    token_ids = logits.argmax(dim=-1)
    random_rows = [row for row, sequence in enumerate(sequences) if not sequence.params.is_greedy]
    if random_rows:
        token_ids[random_rows] = _draw(logits[random_rows], [sequences[row] for row in random_rows])
    return token_ids.tolist()


def _adjust(row: Tensor, sequence: Sequence) -> None:
    """Penalties and biases of one row, [vocab_size], in place. Rows without any cost nothing."""
    params = sequence.params
    if params.repetition_penalty != 1.0:
        seen = torch.tensor(sorted(set(sequence.token_ids)), device=row.device)
        scores = row[seen]
        row[seen] = torch.where(
            scores > 0, scores / params.repetition_penalty, scores * params.repetition_penalty
        )
    if (params.presence_penalty or params.frequency_penalty) and sequence.num_output_tokens:
        written = torch.tensor(sequence.output_token_ids, device=row.device)
        token_ids, counts = torch.unique(written, return_counts=True)
        row[token_ids] -= params.presence_penalty + params.frequency_penalty * counts
    if params.logit_bias:
        token_ids = torch.tensor(list(params.logit_bias), device=row.device)
        row[token_ids] += torch.tensor(list(params.logit_bias.values()), device=row.device)


def _draw(logits: Tensor, sequences: list[Sequence]) -> Tensor:
    """Sample [num_rows] ids from [num_rows, vocab_size], inverting the cumulative distribution."""
    temperatures = _column(logits, [sequence.params.temperature for sequence in sequences]).float()
    # The largest becomes 0 first: nothing overflows, however low the temperature.
    logits = (logits - logits.amax(dim=-1, keepdim=True)) / temperatures.clamp_min(MIN_TEMPERATURE)
    draws = _column(logits, [uniform(seq.seed, seq.num_tokens) for seq in sequences])
    token_ids = torch.empty(len(sequences), dtype=torch.int64, device=logits.device)
    for (pick, _), rows in _by_truncation(sequences).items():
        params = [sequences[row].params for row in rows]
        token_ids[rows] = pick(logits[rows], params, draws[rows])
    return token_ids


def _by_truncation(sequences: list[Sequence]) -> dict[tuple[Pick, int | None], list[int]]:
    """Rows by what they cost: sorting the vocabulary for one row is not done for the others.

    Rows of one top_k stay among themselves, as `topk` breaks ties differently for each k.
    """
    groups: dict[tuple[Pick, int | None], list[int]] = {}
    for row, sequence in enumerate(sequences):
        params = sequence.params
        is_cut = params.top_k is not None or params.top_p < 1.0 or params.min_p > 0.0
        pick = _pick_whole if not is_cut else _pick_top if params.top_k else _pick_sorted
        groups.setdefault((pick, params.top_k), []).append(row)
    return groups


def _pick_whole(logits: Tensor, params: list[SamplingParams], draws: Tensor) -> Tensor:
    return _invert(logits.softmax(dim=-1), draws)


def _pick_top(logits: Tensor, params: list[SamplingParams], draws: Tensor) -> Tensor:
    """All rows have the same top_k."""
    top_k = min(params[0].top_k or 1, logits.shape[1])
    return _pick_cut(logits.topk(top_k, dim=-1), params, draws)


def _pick_sorted(logits: Tensor, params: list[SamplingParams], draws: Tensor) -> Tensor:
    return _pick_cut(logits.sort(dim=-1, descending=True, stable=True), params, draws)


def _pick_cut(
    ordered: tuple[Tensor, Tensor], params: list[SamplingParams], draws: Tensor
) -> Tensor:
    likeliest, token_ids = ordered
    picked = _invert(truncate(likeliest, params), draws)
    return token_ids.gather(1, picked[:, None])[:, 0]


def _invert(probabilities: Tensor, draws: Tensor) -> Tensor:
    """The index in each row of [num_rows, n] where the cumulative sum passes the row's draw.

    draws: [num_rows, 1] float64. In float32 the largest would round to 1, past the last index.
    """
    cumulative = probabilities.cumsum(dim=-1, dtype=torch.float64)
    # Scaled by the actual sum, and strictly above: rounding never picks what has probability zero.
    picked = torch.searchsorted(cumulative, draws * cumulative[:, -1:], right=True)[:, 0]
    return picked.clamp_max(probabilities.shape[1] - 1)


def _column(like: Tensor, numbers: list[float]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64, device=like.device)[:, None]
