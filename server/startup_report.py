"""What the server says of itself once it is ready."""

from rich.console import Console
from rich.filesize import decimal

from antiphon.engine.generation import EngineCard
from antiphon.models.template_abilities import ReasoningReplay, TemplateAbilities
from antiphon.server.model_service import ModelService
from antiphon.server.settings import Settings


def print_startup_report(
    console: Console, service: ModelService, settings: Settings, url: str
) -> None:
    card = service.engine.card
    language_side = service.language_side()
    rows = {
        "model": f"{', '.join(settings.served_model_names)} ({card.architecture})",
        "from": card.model_path,
        "device": f"{card.device}, {card.attention}",
        "weights": f"{_type(card)}, {decimal(card.weight_bytes)}",
        "context": f"{card.max_sequence_len:,} tokens",
        "KV cache": f"{card.kv_cache_tokens:,} tokens, {decimal(card.kv_cache_bytes)}",
        "dialect": f"{language_side.dialect.id} ({language_side.dialect_reason})",
        "template": _abilities(language_side.abilities),
        "serving": f"{url}/v1",
    }
    for name, value in rows.items():
        console.print(f"{name:<10}{value}", markup=False, highlight=False, soft_wrap=True)


def _abilities(abilities: TemplateAbilities | None) -> str:
    """What the template can show, in the words of its report."""
    if abilities is None:
        return "none: the model takes no messages"
    shown = {
        "system": abilities.system,
        "tools": abilities.tools,
        "tool calls": abilities.tool_calls,
        "parallel calls": abilities.parallel_tool_calls,
        "tool results": abilities.tool_results,
        "reasoning": abilities.reasoning_replay is not ReasoningReplay.NEVER,
    }
    missing = [name for name, can in shown.items() if not can]
    return "shows everything" if not missing else f"cannot show {', '.join(missing)}"


def _type(card: EngineCard) -> str:
    if card.quantization == "none":
        return card.dtype
    return f"{card.quantization} (activations {card.dtype})"
