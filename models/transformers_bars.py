"""transformers' progress bars, reported instead of drawn."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Self

from transformers.utils import logging as transformers_logging

from antiphon.models.progress import Progress


@contextmanager
def reported_bars(progress: Progress) -> Iterator[None]:
    """Everything transformers shows in this block goes to `progress`; its log keeps to errors."""

    def hook(_: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Bar:
        return Bar(progress, *arguments, **options)

    verbosity = transformers_logging.get_verbosity()
    previous_hook = transformers_logging.set_tqdm_hook(hook)
    transformers_logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        transformers_logging.set_tqdm_hook(previous_hook)


@contextmanager
def reported_gguf_bars(progress: Progress) -> Iterator[None]:
    """The same for a conversion: the GGUF reader draws with tqdm itself, past the hook."""
    gguf_loading: Any = import_module("transformers.modeling_gguf_pytorch_utils")
    drawn = gguf_loading.tqdm
    gguf_loading.tqdm = lambda tensors, **_: Bar(progress, tensors, desc="Converting weights")
    try:
        with reported_bars(progress):
            yield
    finally:
        gguf_loading.tqdm = drawn


class Bar:
    """As much of tqdm as transformers uses; counts steps."""

    def __init__(
        self,
        progress: Progress,
        iterable: Iterable[Any] = (),
        *,
        desc: str | None = None,
        total: int | None = None,
        **_: object,
    ) -> None:
        self._progress = progress
        self._iterable = iterable
        self._stage = desc or "Loading"
        self._total = len(iterable) if total is None and isinstance(iterable, Sized) else total
        self._done = 0

    def __iter__(self) -> Iterator[Any]:
        for element in self._iterable:
            yield element
            self.update()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def update(self, steps: int = 1) -> None:
        self._done += steps
        self._progress(self._stage, self._done, self._total, "steps")

    def set_postfix(self, *_: object, **__: object) -> None: ...

    def set_description(self, *_: object, **__: object) -> None: ...

    def refresh(self) -> None: ...

    def close(self) -> None: ...
