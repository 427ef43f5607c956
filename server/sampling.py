"""From a request's fields to sampling parameters.

The client's word counts first, then what the model's makers recommend, then the neutral value.
"""

from antiphon.engine.sampling_params import SamplingParams
from antiphon.models.generation_defaults import GenerationDefaults
from antiphon.server.protocol.requests import CreateResponseBody


def sampling_params(body: CreateResponseBody, defaults: GenerationDefaults) -> SamplingParams:
    """Raises InvalidSamplingParams for a value out of range."""
    return SamplingParams(
        temperature=_first(body.temperature, defaults.temperature, 1.0),
        top_p=_first(body.top_p, defaults.top_p, 1.0),
        top_k=_top_k(body.top_k, defaults.top_k),
        min_p=_first(body.min_p, defaults.min_p, 0.0),
        presence_penalty=_first(body.presence_penalty, None, 0.0),
        frequency_penalty=_first(body.frequency_penalty, None, 0.0),
        repetition_penalty=_first(body.repetition_penalty, defaults.repetition_penalty, 1.0),
        logit_bias=body.logit_bias or {},
        seed=body.seed,
        max_tokens=body.max_output_tokens,
        stop_token_ids=() if body.ignore_eos else defaults.stop_token_ids,
        num_top_logprobs=num_top_logprobs(body),
    )


def num_top_logprobs(body: CreateResponseBody) -> int | None:
    """Either field asks for log probabilities; None where neither does."""
    is_included = "message.output_text.logprobs" in (body.include or ())
    return body.top_logprobs or 0 if is_included or body.top_logprobs else None


def stop_strings(body: CreateResponseBody) -> tuple[str, ...]:
    match body.stop:
        case None:
            return ()
        case str(stop):
            return (stop,)
        case stops:
            return tuple(stops)


def _first(asked: float | None, model: float | None, neutral: float) -> float:
    return next(value for value in (asked, model, neutral) if value is not None)


def _top_k(asked: int | None, model: int | None) -> int | None:
    """0 and -1 are how clients of other servers switch off what the model brings along."""
    if asked is None:
        return model
    return asked if asked > 0 else None
