"""The Jinja environment that chat templates are written for: what transformers gives them, no more.

Templates come with downloaded models and are untrusted, so they run in Jinja's immutable sandbox.
Source: transformers 5.23, utils/chat_template_utils.py, `_cached_compile_jinja_template`.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from antiphon.models.verbatim_json import holds_source, write_json


def template_environment(now: Callable[[], datetime]) -> ImmutableSandboxedEnvironment:
    """`now` answers strftime_now, which some templates write into their system prompt."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = lambda format: now().strftime(format)
    environment.globals["dict"] = TemplateDict()
    environment.globals["namespace"] = TemplateNamespace
    return environment


class GenerationTag(Extension):
    """{% generation %} marks, for training, what the assistant wrote; here it renders its body."""

    tags = {"generation"}  # noqa: RUF012  (declared so by jinja2.ext.Extension)

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        # A call block and not the bare body: what is set inside must stay inside.
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller: Callable[[], str]) -> str:
        return caller()


class TemplateDict:
    """`dict` without the type behind it, which would be a way out of the sandbox."""

    def __call__(self, *entries: Any, **fields: Any) -> dict[Any, Any]:  # noqa: ANN401
        return dict(*entries, **fields)

    def fromkeys(self, *arguments: Any) -> dict[Any, Any]:  # noqa: ANN401
        return dict.fromkeys(*arguments)


class TemplateNamespace(Namespace):
    """`namespace`, refusing names that begin with an underscore."""

    def __init__(*arguments: Any, **fields: Any) -> None:  # noqa: ANN401
        # No named parameter at all, as in Jinja's own, so that namespace(self=...) works.
        self, *entries = arguments
        attributes = dict(*entries, **fields)
        for name in attributes:
            _require_public(name)
        Namespace.__init__(self, attributes)

    def __setitem__(self, name: str, value: object) -> None:
        _require_public(name)
        super().__setitem__(name, value)


def _require_public(name: object) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError(f"A namespace cannot store the underscore-prefixed attribute {name!r}.")


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


def _to_json(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Jinja's own tojson escapes HTML; templates count on plain JSON and on these options."""
    has_own_form = ensure_ascii or sort_keys or indent is not None or separators is not None
    if not has_own_form and holds_source(value):
        return write_json(value)
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )
