"""What a caller asked of sampling: one frozen record per sequence."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from antiphon.engine.errors import InvalidSamplingParams


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How one sequence is sampled and when it ends.

    temperature          0 is greedy; 1 samples the model's own distribution.
    top_p, top_k, min_p  truncate the distribution; 1.0, None and 0.0 switch each off. The likeliest
                         token is always kept, so that a top_p of 0 is greedy.
    presence_penalty     subtracted once from every token already in the output (OpenAI).
    frequency_penalty    subtracted once per occurrence in the output (OpenAI).
    repetition_penalty   divides positive and multiplies negative logits of tokens already in
                         prompt or output (CTRL, Keskar et al., 2019, section 4.1).
    logit_bias           added to the logits of the given token ids.
    seed                 the same seed and prompt give the same tokens, whatever else is running.
    max_tokens           None is the rest of the context.
    stop_token_ids       sampling one of these ends the sequence; the token is part of the output.
    grammar              text for llguidance, Lark or JSON {"grammars": [...]}: the output follows
                         it, and stop tokens come only where it may end.
    num_top_logprobs     how many of the likeliest tokens are reported beside each sampled one;
                         None reports nothing. Probabilities are the model's own, before everything
                         above but the grammar (`StepLogprobs`).

    Raises InvalidSamplingParams for a value out of range.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int | None = None
    min_p: float = 0.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    seed: int | None = None
    max_tokens: int | None = None
    stop_token_ids: tuple[int, ...] = ()
    grammar: str | None = None
    num_top_logprobs: int | None = None

    def __post_init__(self) -> None:
        _require("temperature", 0 <= self.temperature <= 2, "must be between 0 and 2")
        _require("top_p", 0 <= self.top_p <= 1, "must be between 0 and 1")
        _require("top_k", self.top_k is None or self.top_k >= 1, "must be at least 1")
        _require("min_p", 0 <= self.min_p <= 1, "must be between 0 and 1")
        _require("presence_penalty", -2 <= self.presence_penalty <= 2, "must be between -2 and 2")
        _require("frequency_penalty", -2 <= self.frequency_penalty <= 2, "must be between -2 and 2")
        _require(
            "repetition_penalty",
            0.01 <= self.repetition_penalty <= 10,
            "must be between 0.01 and 10",
        )
        _require(
            "logit_bias",
            all(-100 <= bias <= 100 for bias in self.logit_bias.values()),
            "must be between -100 and 100",
        )
        _require(
            "logit_bias", all(token_id >= 0 for token_id in self.logit_bias), "must name token ids"
        )
        _require("seed", self.seed is None or -(2**63) <= self.seed < 2**63, "must fit 64 bits")
        _require(
            "max_tokens", self.max_tokens is None or self.max_tokens >= 1, "must be at least 1"
        )
        _require(
            "num_top_logprobs",
            self.num_top_logprobs is None or 0 <= self.num_top_logprobs <= 20,
            "must be between 0 and 20",
        )

    @property
    def is_greedy(self) -> bool:
        return self.temperature == 0

    @property
    def has_penalties(self) -> bool:
        return bool(
            self.presence_penalty or self.frequency_penalty or self.repetition_penalty != 1.0
        )


def _require(param: str, holds: bool, message: str) -> None:
    if not holds:
        raise InvalidSamplingParams(param, f"{param} {message}.")
