"""Management endpoints under /api."""
