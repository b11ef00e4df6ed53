"""The declarative file: read, applied, pruned, exported."""
