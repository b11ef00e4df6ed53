"""The declarative file: read with positions, applied in one transaction, exported again."""
