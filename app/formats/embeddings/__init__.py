"""Embeddings in the words of OpenAI, Gemini, Cohere and Ollama."""
