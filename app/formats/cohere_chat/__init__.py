"""Cohere's chat, /v2/chat (https://docs.cohere.com/reference/chat): spoken by providers only."""
