"""The contract of a kind: each row of data/kinds.toml against a local upstream that behaves as the row says."""
