"""The repo's own upstream: sample answers of every format, and every kind of misbehaviour."""
