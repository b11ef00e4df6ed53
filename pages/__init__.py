"""One file per page. A page registers itself with the decorator; menu, routes, palette and tests find it."""
