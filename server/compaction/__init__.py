"""Conversations that are too long, made to fit: truncated, or summarised by the model itself."""
