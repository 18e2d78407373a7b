"""/api/taxonomy."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from prsnl.core.db import Db
from prsnl.core.errors import ConflictError
from prsnl.core.texts import Flag
from prsnl.engines.taxonomy.contract import Taxonomy
from prsnl.items import taxonomies
from prsnl.web.dependencies import Caller, Parts, Shared
from prsnl.wire.taxonomy import TaxonomyBody

router = APIRouter(prefix="/api/taxonomy", tags=["Library"])


@router.get("")
def show_taxonomy(
    parts: Parts,
    owner: Caller,
    default: Annotated[Flag, Query(description="That of who has set none.")] = False,  # noqa: FBT002
) -> TaxonomyBody:
    """The categories and document types that the caller's documents are sorted by."""
    if default:
        return _body(parts, None)
    return parts.database.run(
        lambda connection: _body(parts, taxonomies.own(connection, owner=owner))
    )


@router.put("")
def set_taxonomy(wanted: Taxonomy, parts: Parts, owner: Caller) -> TaxonomyBody:
    """Set the caller's own, all of it; what is filed already stays where it is.

    To set the default again is to have none of one's own.

    Raises:
        ConflictError: It contradicts itself: two things have one name, for example.
    """
    if (why := wanted.contradiction()) is not None:
        raise ConflictError(f"Nothing was set: {why}.")

    def work(connection: Db) -> TaxonomyBody:
        taxonomies.save(connection, wanted, default=parts.taxonomy, owner=owner)
        return _body(parts, taxonomies.own(connection, owner=owner))

    return parts.database.run(work)


def _body(parts: Shared, own: taxonomies.Own | None) -> TaxonomyBody:
    taxonomy = parts.taxonomy if own is None else own.taxonomy
    return TaxonomyBody(
        categories=taxonomy.categories,
        document_types=taxonomy.document_types,
        is_default=own is None,
        updated_at=own and own.updated_at,
    )
