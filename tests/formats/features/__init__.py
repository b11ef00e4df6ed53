"""The table of what every pair of formats can say: `python -m tests.formats.features` writes it to docs/formats.md."""
