"""Answers in OpenAI's formats, held against OpenAI's own description of its API."""
