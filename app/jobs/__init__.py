"""One scheduled job per file, found by itself."""
