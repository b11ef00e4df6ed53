"""Parts of the models page."""
