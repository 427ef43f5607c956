"""What these tests share."""

from tests.language_fixtures import language_side, said
from tests.server_fixtures import client, context, engine

__all__ = ["client", "context", "engine", "language_side", "said"]
