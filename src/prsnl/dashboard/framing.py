"""What every page shows around its own: counts, what is wrong, who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Response

from prsnl.core.db import Db
from prsnl.dashboard import store, words
from prsnl.dashboard.rendering import page
from prsnl.monitoring import health
from prsnl.web.dependencies import Shared

#: Reads what one page shows.
Read = Callable[[Db], dict[str, Any]]


def framed(parts: Shared, name: str, owner: str, read: Read, **more: Any) -> Response:
    """A page: what *read* gives it, and the frame, of one look at the database."""

    def whole(connection: Db) -> dict[str, Any]:
        values = read(connection)
        if "counts" not in values:
            values["counts"] = store.counts(connection, owner=owner)
        seen = health.look(connection).problems
        return {"problems": [*seen, *parts.insecurities], **values}

    values = parts.database.run(whole)
    around = {
        "words": words,
        "max_bytes": parts.limits.upload_max_bytes,
    }
    return page(name, {**around, **values, **more})
