"""The HTTP/1.1 client against servers that behave badly, on both event loops."""
