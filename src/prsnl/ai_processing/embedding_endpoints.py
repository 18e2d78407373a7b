"""POST /api/background/ai/generate-embeddings-batch, and GET /api/embeddings."""

from __future__ import annotations

import array
import base64
import json
import sys
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, status
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from prsnl.ai_processing.embedding_quote import EmbeddingQuoter
from prsnl.ai_processing.embedding_specs import EMBED_TEXTS, EmbedTexts
from prsnl.ai_processing.prompt_endpoints import QUOTED, DryRun, Quotes
from prsnl.core.db import Db, Row
from prsnl.items import task_vectors
from prsnl.web.dependencies import Caller, Dispatch, Parts
from prsnl.wire.base import Page
from prsnl.wire.embeddings import Encoding, VectorBody, VectorQuery
from prsnl.wire.tasks import Accepted

router = APIRouter(prefix="/api", tags=["AI processing"])


# `async` though it waits for nothing: see `web.dependencies`.
async def _quoter(connection: HTTPConnection) -> EmbeddingQuoter:
    found: EmbeddingQuoter = connection.app.state.embedding_quoter
    return found


@router.post(
    "/background/ai/generate-embeddings-batch",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=Accepted,
    responses=QUOTED,
)
async def generate_embeddings_batch(
    command: EmbedTexts,
    dispatch: Dispatch,
    parts: Parts,
    quotes: Quotes,
    quoter: Annotated[EmbeddingQuoter, Depends(_quoter)],
    *,
    dry_run: DryRun = False,
) -> Accepted | JSONResponse:
    """Queue the embedding of many texts; one that has its vector is not sent again.

    Answers at once; follow `monitor_url` for progress. The result's `vectors_url` has
    the vectors.
    """
    if dry_run:
        body = await run_in_threadpool(
            parts.database.run,
            lambda connection: quoter.quote(
                connection, command, quotes, owner=dispatch.owner
            ),
        )
        return JSONResponse(body.model_dump(mode="json"))
    return await dispatch.submit(EMBED_TEXTS, command)


@router.get("/embeddings")
async def embeddings(
    query: Annotated[VectorQuery, Query()], parts: Parts, owner: Caller
) -> Page[VectorBody]:
    """The vectors that a task made or found, in the order of its texts.

    They are there for as long as the task: 30 days after its end.
    """
    return await run_in_threadpool(
        parts.database.run, partial(_page, query=query, owner=owner)
    )


def _page(connection: Db, *, query: VectorQuery, owner: str) -> Page[VectorBody]:
    rows = task_vectors.page(
        connection,
        query.task_id,
        owner=owner,
        names=query.id or None,
        after=query.after,
        limit=query.limit + 1,
    )
    shown = rows[: query.limit]
    return Page(
        items=[_body(row, query.encoding) for row in shown],
        next=str(shown[-1]["number"]) if len(rows) > query.limit else None,
    )


def _body(row: Row, encoding: Encoding) -> VectorBody:
    values: list[float] = json.loads(row["embedding"])
    return VectorBody(
        id=row["name"],
        type=row["type"],
        provider=row["provider"],
        model=row["model"],
        dimensions=row["dimensions"],
        embedding=_base64(values) if encoding is Encoding.BASE64 else values,
    )


def _base64(values: list[float]) -> str:
    packed = array.array("f", values)
    if sys.byteorder == "big":
        packed.byteswap()
    return base64.b64encode(packed.tobytes()).decode()
