"""What goes over HTTP for the taxonomy."""

from __future__ import annotations

from datetime import datetime

from prsnl.engines.taxonomy.contract import CategoryDefinition, TypeDefinition
from prsnl.wire.base import Body


class TaxonomyBody(Body):
    """What the caller's documents are sorted by."""

    categories: tuple[CategoryDefinition, ...]
    document_types: tuple[TypeDefinition, ...]
    #: The caller has set none of his own.
    is_default: bool
    #: When it was set; null for the default.
    updated_at: datetime | None
