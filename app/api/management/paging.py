"""Pages of lists that are in memory: `limit` and `cursor`, as every list of the management API takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query

from app.api.management import shapes
from app.core.errors import BadRequest

MOST = 200


@dataclass(frozen=True, slots=True)
class Paging:
    limit: int
    cursor: str | None

    def page(self, items: list[dict[str, Any]], id_field: str = "id") -> dict[str, Any]:
        """The items behind the cursor, which is what the last one seen is known by."""
        start = 0
        if self.cursor:
            start = next((at for at, item in enumerate(items, 1) if str(item[id_field]) == self.cursor), 0)
            if not start:
                raise BadRequest(
                    "cursor: it is not one of this list, or its item is gone. Begin without one.", field="cursor"
                )
        found = items[start : start + self.limit]
        more = start + self.limit < len(items)
        return shapes.page(found, str(found[-1][id_field]) if more else None, len(items))


def _paging(limit: Annotated[int, Query(ge=1, le=MOST)] = MOST, cursor: str | None = None) -> Paging:
    return Paging(limit, cursor)


Paged = Annotated[Paging, Depends(_paging)]
