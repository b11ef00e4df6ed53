"""`python -m tests.formats.features`: writes the tables into docs/formats.md."""

from __future__ import annotations

from tests.formats.features.table import PAGE, page

PAGE.write_text(page(PAGE.read_text()))
