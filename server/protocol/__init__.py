"""The wire, field for field: Open Responses 2026-04-24. Nothing here knows the engine."""
