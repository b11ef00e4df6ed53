"""The routers' list and editor, piece by piece; the page puts them together."""
