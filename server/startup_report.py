"""What the server says of itself once it is ready."""

from rich.console import Console
from rich.filesize import decimal

from antiphon.server.model_service import ModelService
from antiphon.server.settings import Settings


def print_startup_report(
    console: Console, service: ModelService, settings: Settings, url: str
) -> None:
    card = service.engine.card
    has_template = service.language_side().chat_template is not None
    rows = {
        "model": f"{', '.join(settings.served_model_names)} ({card.architecture})",
        "from": card.model_path,
        "device": f"{card.device}, {card.attention}",
        "weights": f"{card.dtype}, {decimal(card.weight_bytes)}",
        "context": f"{card.max_sequence_len:,} tokens",
        "KV cache": f"{card.kv_cache_tokens:,} tokens, {decimal(card.kv_cache_bytes)}",
        "dialect": "plain text" if has_template else "none: the model has no chat template",
        "serving": f"{url}/v1",
    }
    for name, value in rows.items():
        console.print(f"{name:<10}{value}", markup=False, highlight=False, soft_wrap=True)
