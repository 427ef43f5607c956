"""What outlives a request: responses and conversations, kept in SQLite or PostgreSQL.

It knows nothing of HTTP, pydantic or the protocol: an item is a dict of JSON, and an owner a name.
"""
