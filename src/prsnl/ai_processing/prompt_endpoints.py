"""POST /api/background/ai/process-with-llm, and what a question would cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, status
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from prsnl.ai_processing.asking import LanguageModel
from prsnl.ai_processing.passages import plan
from prsnl.ai_processing.prompt_specs import PROCESS_WITH_LLM, ProcessWithLlm
from prsnl.core.db import Database
from prsnl.core.settings.in_force import Following
from prsnl.web.dependencies import Dispatch, Parts
from prsnl.wire.tasks import Accepted
from prsnl.wire.usage import QuoteBody
from prsnl.work import privacy
from prsnl.work.quoting import Quoter

router = APIRouter(prefix="/api/background/ai", tags=["AI processing"])

DryRun = Annotated[
    bool, Query(description="Queue nothing: tell what it would take (200).")
]
#: What a dry run answers, for the description.
QUOTED: dict[int | str, dict[str, Any]] = {
    200: {"model": QuoteBody, "description": "Of a dry run: what it would take."}
}


# `async` though it seldom waits: see `web.dependencies`.
async def language_model(connection: HTTPConnection) -> LanguageModel | None:
    """The language model that is set now; None where there is none."""
    found: Following[LanguageModel | None] = connection.app.state.language_model
    # To make it anew asks the name service.
    return await run_in_threadpool(found.now) if found.is_stale else found.now()


async def quoter(connection: HTTPConnection) -> Quoter:
    """What tells the price of a run."""
    found: Quoter = connection.app.state.quoter
    return found


Model = Annotated[LanguageModel | None, Depends(language_model)]
Quotes = Annotated[Quoter, Depends(quoter)]


@router.post(
    "/process-with-llm",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=Accepted,
    responses=QUOTED,
)
async def process_with_llm(
    command: ProcessWithLlm,
    dispatch: Dispatch,
    parts: Parts,
    model: Model,
    quotes: Quotes,
    *,
    dry_run: DryRun = False,
) -> Accepted | JSONResponse:
    """Queue one thing that is asked of a text: `summarize`, `analyze` and others.

    Without a language model the local engine does what it can; `needs` says the rest.
    """
    if model is not None and command.options.local_only:
        endpoint, told = model.endpoints["analysis"], command.model_dump(mode="json")
        await run_in_threadpool(
            parts.database.run,
            lambda connection: privacy.require_may_leave(
                connection, endpoint, told, owner=dispatch.owner, setting=False
            ),
        )
    if dry_run:
        name = command.prompt_type.value.replace("_", "-")
        pages = [{"number": 1, "text": command.content}]
        return await run_in_threadpool(
            quoted, parts.database, quotes, model, [pages], name
        )
    return await dispatch.submit(PROCESS_WITH_LLM, command)


def quoted(
    database: Database,
    quotes: Quoter,
    model: LanguageModel | None,
    texts: Sequence[Sequence[Mapping[str, Any]]],
    prompt: str,
) -> JSONResponse:
    """What it would take to ask this of some texts, as an answer."""
    if model is None:
        body = QuoteBody.of_this_program(len(texts))
    else:
        endpoint = model.endpoints[model.prompts.get(prompt).purpose]
        planned = plan(texts, model, prompt)
        purpose = model.prompts.get(prompt).purpose
        quote = database.run(
            lambda connection: quotes.quote(
                connection, endpoint, planned, purpose=purpose
            )
        )
        body = QuoteBody.of(quote)
    return JSONResponse(body.model_dump(mode="json"))
