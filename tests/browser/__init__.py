"""A real Chromium: the way through, as a person goes it."""
