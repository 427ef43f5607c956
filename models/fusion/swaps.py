"""Puts fused modules into a loaded model, and takes back what changes its numbers.

The model runs once on a few tokens, from the first position to the last it was made for, and every
module's call is remembered. A replacement has to give what the module gave; in the end the whole
model has to give the logits that it gave, or one kind of replacement after the other is undone.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from antiphon.models.fusion.attention_block import match_attention
from antiphon.models.fusion.decoder_layer import match_decoder_layer
from antiphon.models.fusion.gated_mlp import match_gated_mlp
from antiphon.models.fusion.kernels import Kernels
from antiphon.models.fusion.packed_linear import pack_linears
from antiphon.models.fusion.recording import Call, is_alike, record_calls
from antiphon.models.fusion.rms_norm import match_rms_norm

Match = Callable[[nn.Module, Call, Kernels], nn.Module | None]

# Inner modules first: a layer is made of what its parts have become.
MATCHES: dict[str, Match] = {
    "norms": match_rms_norm,
    "attention blocks": match_attention,
    "gated feed-forward blocks": match_gated_mlp,
    "decoder layers": match_decoder_layer,
}
PACKED = "linear layers with one input"


@dataclass(frozen=True, slots=True)
class Swap:
    """One module that another stands in for."""

    kind: str
    parent: nn.Module
    name: str
    original: nn.Module

    def undo(self) -> None:
        setattr(self.parent, self.name, self.original)


class Fusion:
    """What was put into one model.

    run     computes the model's logits on the tokens of the probe.
    counts  how many modules of each kind were replaced, once applied.
    """

    def __init__(self, model: nn.Module, kernels: Kernels, run: Callable[[], Tensor]) -> None:
        self._model = model
        self._kernels = kernels
        self._run = run
        self._swaps: list[Swap] = []
        self._undone: list[str] = []
        self.counts: dict[str, int] = {}

    @torch.inference_mode()
    def apply(self) -> None:
        expected: list[Tensor] = []
        modules = [module for module in self._model.modules() if module is not self._model]
        calls = record_calls(modules, lambda: expected.append(self._run()))
        for kind, match in MATCHES.items():
            self._swap_matching(kind, match, calls)
        self._pack_siblings(calls)
        while self._swaps and not self._still_gives(expected[0]):
            self._undo(self._swaps[-1].kind)
        self.counts = dict(Counter(swap.kind for swap in self._swaps))
        self._swaps.clear()  # and with them the modules that are of no use any more
        logging.getLogger("antiphon.models").debug("%s", self)

    def __str__(self) -> str:
        fused = ", ".join(f"{count} {kind}" for kind, count in self.counts.items()) or "nothing"
        undone = f"; undone, as the logits changed: {', '.join(self._undone)}"
        return f"fused ({self._kernels.name}): {fused}" + (undone if self._undone else "")

    def _swap_matching(self, kind: str, match: Match, calls: dict[nn.Module, Call]) -> None:
        for parent, name, module in _children(self._model):
            call = calls.get(module)
            fused = match(module, call, self._kernels) if call is not None else None
            if fused is not None:
                self._replace(kind, parent, name, fused)

    def _pack_siblings(self, calls: dict[nn.Module, Call]) -> None:
        for parent in list(self._model.modules()):
            for names in _siblings(parent, calls):
                parts = pack_linears([getattr(parent, name) for name in names])
                for name, part in zip(names, parts, strict=True):
                    self._replace(PACKED, parent, name, part)

    def _replace(self, kind: str, parent: nn.Module, name: str, fused: nn.Module) -> None:
        original = getattr(parent, name)
        for attribute, value in vars(original).items():
            # The model's own code may ask its layers for such things.
            if not attribute.startswith("_") and not hasattr(fused, attribute):
                setattr(fused, attribute, value)
        setattr(parent, name, fused.eval())
        self._swaps.append(Swap(kind, parent, name, original))

    def _still_gives(self, expected: Tensor) -> bool:
        try:
            return is_alike(self._run(), expected)
        except (AttributeError, RuntimeError, TypeError, ValueError):
            return False  # the model's own code reaches into a module that is gone

    def _undo(self, kind: str) -> None:
        self._undone.append(kind)
        for swap in reversed(self._swaps):
            if swap.kind == kind:
                swap.undo()
        self._swaps = [swap for swap in self._swaps if swap.kind != kind]


def _children(model: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Module]]:
    """Every module with its parent and its name there, as they are now."""
    for parent in list(model.modules()):
        for name, module in list(parent.named_children()):
            yield parent, name, module


def _siblings(parent: nn.Module, calls: dict[nn.Module, Call]) -> list[list[str]]:
    """Names of linear layers in `parent` that read one tensor, two or more together."""
    groups: list[tuple[Tensor, list[str]]] = []
    for name, module in parent.named_children():
        call = calls.get(module)
        if type(module) is not nn.Linear or call is None or call.input is None:
            continue
        for inputs, names in groups:
            if inputs is call.input:
                names.append(name)
                break
        else:
            groups.append((call.input, [name]))
    return [names for _, names in groups if len(names) > 1]
