"""Fixtures of a server around a fake engine; conftest files take them from here."""

import pytest

from antiphon.models.language_side import LanguageSide
from antiphon.server.context import ServerContext
from tests.fake_engine import FakeEngine, Script
from tests.serving import Client, EncodePieces, make_context


@pytest.fixture
def engine(said: EncodePieces) -> FakeEngine:
    return FakeEngine(Script(said("Hello", " world")))


@pytest.fixture
def context(engine: FakeEngine, language_side: LanguageSide) -> ServerContext:
    return make_context(engine, language_side)


@pytest.fixture
def client(context: ServerContext) -> Client:
    """In memory."""
    return Client(context)
