"""GET /v1/models and GET /v1/models/{id}: there at once, also while the model still loads."""

from fastapi import APIRouter, Request

from antiphon.engine.generation import Engine
from antiphon.server.admission import served_model
from antiphon.server.context import ServerContext
from antiphon.server.protocol.errors import ErrorBody
from antiphon.server.protocol.models import ModelCard, ModelList


def models_router(context: ServerContext) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["models"], responses={"default": {"model": ErrorBody}})
    created = context.clock.unix_seconds()

    def card(name: str) -> ModelCard:
        return ModelCard(id=name, created=created, max_model_len=_max_model_len(context.engine))

    @router.get("/models", summary="List models")
    async def list_models(request: Request) -> ModelList:
        context.reception.caller(request.headers)
        return ModelList(data=tuple(map(card, context.model_names)))

    @router.get("/models/{model:path}", summary="Look up a model")
    async def retrieve_model(model: str, request: Request) -> ModelCard:
        context.reception.caller(request.headers)
        return card(served_model(model, context.model_names))

    return router


def _max_model_len(engine: Engine) -> int | None:
    return engine.card.max_sequence_len if engine.is_ready else None
