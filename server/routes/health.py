"""GET /health says that the server lives, GET /ready that it can answer."""

from typing import Literal

from fastapi import APIRouter, Response

from antiphon.engine.outputs import EngineStats
from antiphon.server.context import ServerContext
from antiphon.server.protocol.wire_model import OutputModel


class EngineHealth(OutputModel):
    """The engine between two steps: sequences, and blocks of the KV cache.

    Preemptions, draft tokens and accepted ones are counted from its start.
    """

    running: int
    waiting: int
    blocks: int
    free_blocks: int
    preemptions: int
    draft_tokens: int
    accepted_tokens: int


class Health(OutputModel):
    """`engine` is null until it has run once."""

    status: Literal["ok"] = "ok"
    engine: EngineHealth | None


class Readiness(OutputModel):
    status: Literal["ok", "not_ready"]


def health_router(context: ServerContext) -> APIRouter:
    router = APIRouter(tags=["health"])

    # Load balancers ask with HEAD.
    @router.head("/health", include_in_schema=False)
    @router.get("/health", summary="Whether the server lives, and how busy it is")
    async def health() -> Health:
        return Health(engine=_engine_health(context.engine.stats))

    @router.head("/ready", include_in_schema=False)
    @router.get(
        "/ready", summary="Whether the model is loaded", responses={503: {"model": Readiness}}
    )
    async def ready(response: Response) -> Readiness:
        if context.is_ready:
            return Readiness(status="ok")
        response.status_code = 503
        response.headers["Retry-After"] = str(context.limits.retry_after_seconds)
        return Readiness(status="not_ready")

    return router


def _engine_health(stats: EngineStats | None) -> EngineHealth | None:
    if stats is None:
        return None
    return EngineHealth(
        running=stats.num_running,
        waiting=stats.num_waiting,
        blocks=stats.num_blocks,
        free_blocks=stats.num_free_blocks,
        preemptions=stats.num_preemptions,
        draft_tokens=stats.num_draft_tokens,
        accepted_tokens=stats.num_accepted_tokens,
    )
