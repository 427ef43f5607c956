"""`POST /v1/chat/completions`: a translation of requests into responses, and of their events back.

Every rule and every default is that of `POST /v1/responses`. Source: OpenAI's API reference.
"""
