"""POST /api/background/ai/process-with-llm."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, status
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from prsnl.ai_processing.asking import LanguageModel
from prsnl.ai_processing.prompt_specs import PROCESS_WITH_LLM, ProcessWithLlm
from prsnl.web.dependencies import Dispatch, Parts
from prsnl.wire.tasks import Accepted
from prsnl.work import privacy

router = APIRouter(prefix="/api/background/ai", tags=["AI processing"])


# `async` though it waits for nothing: see `web.dependencies`.
async def language_model(connection: HTTPConnection) -> LanguageModel | None:
    """The language model of this process; None where there is none."""
    model: LanguageModel | None = connection.app.state.language_model
    return model


Model = Annotated[LanguageModel | None, Depends(language_model)]


@router.post("/process-with-llm", status_code=status.HTTP_202_ACCEPTED)
async def process_with_llm(
    command: ProcessWithLlm, dispatch: Dispatch, parts: Parts, model: Model
) -> Accepted:
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
    return await dispatch.submit(PROCESS_WITH_LLM, command)
