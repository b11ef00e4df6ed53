"""Wire formats, each both ways, without I/O."""
