"""The HTTP interfaces from outside."""
