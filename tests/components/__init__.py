"""Parts of pages, each alone."""
