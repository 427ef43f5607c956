"""What these tests share."""

from tests.real_templates import real_templates

__all__ = ["real_templates"]
