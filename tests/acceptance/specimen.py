"""A response that nobody made: its assistant labels what it says with both phases."""

from typing import Any

MESSAGE: dict[str, Any] = {
    "id": "msg_commentary",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "phase": "commentary",
    "content": [{"type": "output_text", "text": "I am checking.", "annotations": []}],
}

RESPONSE: dict[str, Any] = {
    "id": "resp_phases",
    "object": "response",
    "created_at": 1764967971,
    "completed_at": 1764967972,
    "status": "completed",
    "incomplete_details": None,
    "model": "tiny",
    "previous_response_id": None,
    "instructions": None,
    "output": [MESSAGE, {**MESSAGE, "id": "msg_final_answer", "phase": "final_answer"}],
    "error": None,
    "tools": [],
    "tool_choice": "auto",
    "truncation": "disabled",
    "parallel_tool_calls": True,
    "text": {"format": {"type": "text"}},
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "top_logprobs": 0,
    "temperature": 1,
    "reasoning": {"effort": None, "summary": None},
    "usage": {
        "input_tokens": 1,
        "output_tokens": 2,
        "total_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    },
    "max_output_tokens": None,
    "max_tool_calls": None,
    "store": True,
    "background": False,
    "service_tier": "default",
    "metadata": {},
    "safety_identifier": None,
    "prompt_cache_key": None,
}
