"""The application: routes, errors and middleware around a context that it is given."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version

from fastapi import FastAPI

from antiphon.server.api_document import DescribedApp
from antiphon.server.context import ServerContext
from antiphon.server.error_answers import ErrorAnswers
from antiphon.server.request_id import RequestIds
from antiphon.server.routes.chat_completions import chat_completions_router
from antiphon.server.routes.conversations import conversations_router
from antiphon.server.routes.health import health_router
from antiphon.server.routes.models import models_router
from antiphon.server.routes.responses import responses_router
from antiphon.server.routes.websocket import websocket_router

ROUTERS = (
    responses_router,
    websocket_router,
    chat_completions_router,
    conversations_router,
    models_router,
    health_router,
)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(context: ServerContext, lifespan: Lifespan | None = None) -> FastAPI:
    """`lifespan` starts and stops what the context stands on; tests need none."""
    # No documentation pages: theirs load scripts from the network. The document itself is there.
    app = DescribedApp(
        title="antiphon",
        version=version("antiphon"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    ErrorAnswers(context.limits.retry_after_seconds).register(app)
    app.add_middleware(RequestIds, ids=context.ids)
    for make_router in ROUTERS:
        app.include_router(make_router(context))
    return app
