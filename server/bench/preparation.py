"""Before anything is measured: which model, what the server accepts, how it counts words."""

from dataclasses import dataclass, replace

import httpx

from antiphon.server.bench.endpoint import endpoint_named
from antiphon.server.bench.errors import BenchError, RequestFailed, RequestRefused
from antiphon.server.bench.plan import BenchPlan
from antiphon.server.bench.prompts import Calibration, calibrate, random_words
from antiphon.server.bench.sender import Clock, RequestSender, describe_http_error

PROBE_OUTPUT_TOKENS = 16  # some servers refuse to give fewer
REFUSALS_OF_A_FIELD = (400, 422)


@dataclass(frozen=True, slots=True)
class Preparation:
    """What the server turned out to be; `notes` are sentences for the report."""

    sender: RequestSender
    calibration: Calibration
    notes: tuple[str, ...]


async def prepare(plan: BenchPlan, client: httpx.AsyncClient, clock: Clock) -> Preparation:
    """Ask for the models and send two probes. Raises BenchError if nothing can be measured."""
    try:
        model = plan.model or await _first_model(client)
        return await _probe(plan, _sender(plan, model, client, clock))
    except httpx.HTTPError as error:
        reason = describe_http_error(error)
        raise BenchError(f"no server answers at {plan.base_url} ({reason})") from error
    except RequestFailed as error:
        raise BenchError(f"{plan.base_url}{_path(plan)} cannot be measured: {error}") from error


async def _first_model(client: httpx.AsyncClient) -> str:
    answer = await client.get("/v1/models")
    try:
        return str(answer.json()["data"][0]["id"])
    except (ValueError, LookupError, TypeError) as error:
        raise BenchError(
            f"{answer.url} lists no model (HTTP {answer.status_code}); name one with --model"
        ) from error


def _sender(plan: BenchPlan, model: str, client: httpx.AsyncClient, clock: Clock) -> RequestSender:
    extensions: dict[str, object] = {"ignore_eos": True} if plan.ignore_eos else {}
    endpoint = endpoint_named(plan.endpoint)
    return RequestSender(client, endpoint, model, plan.temperature, extensions, clock)


async def _probe(plan: BenchPlan, sender: RequestSender) -> Preparation:
    """The shorter probe goes first: it also learns whether the extensions are accepted."""
    num_words = max(2, (plan.prefix_tokens + plan.prompt_tokens) // 2)
    notes: list[str] = []
    try:
        tokens = await _count_tokens(plan, sender, num_words // 2)
    except RequestRefused as error:
        if not sender.extensions or error.status not in REFUSALS_OF_A_FIELD:
            raise
        sender = replace(sender, extensions={})
        tokens = await _count_tokens(plan, sender, num_words // 2)
        notes.append(f"ignore_eos was refused ({error}) and left out: answers may end early.")
    more_tokens = await _count_tokens(plan, sender, num_words)
    calibration = calibrate((num_words // 2, tokens), (num_words, more_tokens))
    if not calibration.is_measured:
        notes.append("The server reports no input tokens: prompt lengths are counted in words.")
    return Preparation(sender, calibration, tuple(notes))


async def _count_tokens(plan: BenchPlan, sender: RequestSender, num_words: int) -> int | None:
    prompt = random_words(f"{plan.seed} probe {num_words}", num_words)
    output_tokens = min(PROBE_OUTPUT_TOKENS, plan.output_tokens)
    return (await sender.stream(prompt, output_tokens)).input_tokens


def _path(plan: BenchPlan) -> str:
    return endpoint_named(plan.endpoint).path
