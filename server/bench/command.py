"""`antiphon bench serve`: options in, table, files and one JSON line out."""

from pathlib import Path
from typing import Annotated

import typer

from antiphon.server.bench.endpoint import EndpointName
from antiphon.server.bench.plan import BenchPlan, parse_concurrency, server_root
from antiphon.server.bench.plot import require_matplotlib


def _root(base_url: str) -> str:
    try:
        return server_root(base_url)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _writable_file(file: Path | None) -> Path | None:
    """A run takes long: a result that cannot be written is refused before it."""
    if file is not None and not file.absolute().parent.is_dir():
        raise typer.BadParameter(f"{file.parent} is not a folder", param_hint=str(file))
    return file


def _plot_file(file: Path | None) -> Path | None:
    if file is not None:
        require_matplotlib()
    return _writable_file(file)


def serve(
    base_url: Annotated[
        str, typer.Option(help="The server's address, with or without /v1.", callback=_root)
    ] = "http://127.0.0.1:8000",
    endpoint: Annotated[EndpointName, typer.Option(help="Which API to speak.")] = (
        EndpointName.RESPONSES
    ),
    model: Annotated[
        str | None, typer.Option(help="The model to ask for. Unset: the first the server lists.")
    ] = None,
    concurrency: Annotated[
        str, typer.Option(help="Requests kept in flight: one level after the other.")
    ] = "1,4,16",
    prompt_tokens: Annotated[
        int, typer.Option(min=1, help="Input tokens per request, the chat template's included.")
    ] = 128,
    output_tokens: Annotated[int, typer.Option(min=1, help="Output tokens to ask for.")] = 64,
    requests: Annotated[int, typer.Option(min=1, help="Requests per level.")] = 32,
    prefix_tokens: Annotated[
        int, typer.Option(min=0, help="Tokens all prompts share, before their own.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the prompts' words.")] = 0,
    temperature: Annotated[float, typer.Option(min=0, help="0 is greedy.")] = 0.0,
    api_key: Annotated[str | None, typer.Option(help="Sent as a bearer token.")] = None,
    ignore_eos: Annotated[
        bool, typer.Option(help="Ask for full-length answers; left out if the server refuses.")
    ] = True,
    warmup: Annotated[int, typer.Option(min=0, help="Requests before, not reported.")] = 4,
    timeout_seconds: Annotated[
        float, typer.Option(min=1, help="The longest silence before a request has failed.")
    ] = 600.0,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the result.", callback=_writable_file),
    ] = None,
    plot_file: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE.png", help="Draw the result.", callback=_plot_file),
    ] = None,
) -> int:
    """Measure a server that streams: throughput and latencies at several levels of load."""
    try:
        plan = BenchPlan(
            base_url=base_url,
            endpoint=endpoint,
            model=model,
            concurrency=parse_concurrency(concurrency),
            prompt_tokens=prompt_tokens,
            output_tokens=output_tokens,
            num_requests=requests,
            prefix_tokens=prefix_tokens,
            seed=seed,
            temperature=temperature,
            ignore_eos=ignore_eos,
            num_warmup=warmup,
            timeout_seconds=timeout_seconds,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--concurrency") from error
    # httpx and rich take longer to import than --help should.
    from antiphon.server.bench.session import run_session

    return run_session(plan, api_key, json_file, plot_file)
