"""Streaming Markdown: the server sends only what is new, the browser parses only the open end."""

from components.markdown.chat_markdown import ChatMarkdown

__all__ = ["ChatMarkdown"]
