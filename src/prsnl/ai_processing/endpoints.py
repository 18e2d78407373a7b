"""POST /api/background/ai/..."""

from __future__ import annotations

from fastapi import APIRouter, status
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from prsnl.ai_processing import filing_quote
from prsnl.ai_processing.categorization_specs import (
    SMART_CATEGORIZATION,
    SmartCategorization,
)
from prsnl.ai_processing.prompt_endpoints import (
    QUOTED,
    DryRun,
    Model,
    Quotes,
    quoted,
)
from prsnl.ai_processing.specs import ANALYZE_CONTENT, AnalyzeContent
from prsnl.items import categories, store, taxonomies
from prsnl.web.dependencies import Dispatch, Parts
from prsnl.wire.tasks import Accepted

router = APIRouter(prefix="/api/background/ai", tags=["AI processing"])


@router.post(
    "/analyze-content",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=Accepted,
    responses=QUOTED,
)
async def analyze_content(
    command: AnalyzeContent,
    dispatch: Dispatch,
    parts: Parts,
    model: Model,
    quotes: Quotes,
    *,
    dry_run: DryRun = False,
) -> Accepted | JSONResponse:
    """Queue the analysis of an item or of a text.

    Answers at once; follow `monitor_url` for progress and the result.
    """
    item_id = command.content_id
    texts = [[{"number": 1, "text": command.content or ""}]]
    if item_id is not None:
        item = await run_in_threadpool(
            parts.database.run,
            lambda connection: store.item(connection, item_id, owner=dispatch.owner),
        )
        if dry_run:
            texts = await run_in_threadpool(
                parts.database.run,
                lambda connection: [
                    store.readable_pages(connection, file.id, owner=dispatch.owner)
                    for file in item.attachments
                ],
            )
    if dry_run:
        asked = None if command.options.local_only else model
        return await run_in_threadpool(
            quoted, parts.database, quotes, asked, texts, "analyze"
        )
    return await dispatch.submit(ANALYZE_CONTENT, command)


@router.post(
    "/smart-categorization",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=Accepted,
    responses=QUOTED,
)
async def smart_categorization(
    command: SmartCategorization,
    dispatch: Dispatch,
    parts: Parts,
    model: Model,
    quotes: Quotes,
    *,
    dry_run: DryRun = False,
) -> Accepted | JSONResponse:
    """Queue the search for the categories of items and texts.

    What is found is kept with the items as a suggestion; what a person has set stays.
    """
    await run_in_threadpool(
        parts.database.run,
        lambda connection: categories.require(
            connection, command.item_ids, owner=dispatch.owner
        ),
    )
    if dry_run:
        body = await run_in_threadpool(
            parts.database.run,
            lambda connection: filing_quote.quoted(
                connection,
                command,
                model,
                taxonomies.in_force(connection, parts.taxonomy, owner=dispatch.owner),
                quotes,
                owner=dispatch.owner,
            ),
        )
        return JSONResponse(body.model_dump(mode="json"))
    return await dispatch.submit(SMART_CATEGORIZATION, command)
