"""Gateway endpoints: raw ASGI, one file per concern."""
