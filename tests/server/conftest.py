"""What these tests share."""

from tests.language_fixtures import language_side, said

__all__ = ["language_side", "said"]
