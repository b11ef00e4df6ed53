"""Ollama's native chat, /api/chat (https://docs.ollama.com/api/chat): spoken by providers only."""
