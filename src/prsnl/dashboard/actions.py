"""What the forms of the pages do, for a browser that runs no script of ours.

With scripts the same is asked of the API. Both lead to the same functions.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import SecretStr
from starlette import status
from starlette.concurrency import run_in_threadpool

from prsnl.core.errors import BadRequestError
from prsnl.dashboard.forms import field
from prsnl.dashboard.rendering import HEADERS
from prsnl.dashboard.routing import PageRoute
from prsnl.file_processing import endpoints as file_processing
from prsnl.file_processing.specs import DocumentOptions, ProcessDocument
from prsnl.library import endpoints as library
from prsnl.library import item_endpoints
from prsnl.library.endpoints import UploadOptions
from prsnl.monitoring import endpoints as monitoring
from prsnl.web.dependencies import Caller, Dispatch, Parts

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/upload")
async def upload(request: Request, parts: Parts, owner: Caller) -> Response:
    """Keep the file of the form, queue its processing, and show its item."""
    kept = await library.upload(
        request=request,
        response=Response(),
        parts=parts,
        owner=owner,
        options=UploadOptions(),
    )
    return see(f"/items/{kept.item_id}")


@router.post("/tasks/{task_id}/cancel")
def cancel(task_id: UUID, parts: Parts, owner: Caller) -> Response:
    """Cancel a task, and show it."""
    monitoring.cancel(task_id, parts, owner)
    return see(f"/tasks/{task_id}")


@router.post("/tasks/{task_id}/retry")
def retry(task_id: UUID, parts: Parts, owner: Caller) -> Response:
    """Queue a failed task again, and show it."""
    monitoring.retry(task_id, parts, owner)
    return see(f"/tasks/{task_id}")


@router.post("/tasks/{task_id}/try-now")
def try_now(task_id: UUID, parts: Parts, owner: Caller) -> Response:
    """End the wait of a task, and show it."""
    monitoring.try_now(task_id, parts, owner)
    return see(f"/tasks/{task_id}")


@router.post("/files/{file_id}/process")
async def process(
    file_id: UUID,
    parts: Parts,
    dispatch: Dispatch,
    again: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
) -> Response:
    """Read a stored file, or read it anew, and show the task."""
    told = await file_processing.process_document(
        ProcessDocument(file_id=file_id, again=again), dispatch, parts
    )
    return see(f"/tasks/{told.task_id}")


@router.post("/files/{file_id}/password")
async def open_with_password(
    file_id: UUID, request: Request, parts: Parts, dispatch: Dispatch
) -> Response:
    """Read a protected file with its password, and show the task."""
    await run_in_threadpool(library.show_attachment, file_id, parts, dispatch.owner)
    password = await field(request, "password")
    if not password:
        raise BadRequestError("There is no password: type the one of the document.")
    options = DocumentOptions(password=SecretStr(password))
    told = await file_processing.process_document(
        ProcessDocument(file_id=file_id, options=options), dispatch, parts
    )
    return see(f"/tasks/{told.task_id}")


@router.post("/items/{item_id}/trash")
def trash(item_id: UUID, parts: Parts, owner: Caller) -> Response:
    """Move an item to the trash, and show it there."""
    item_endpoints.trash_item(item_id, parts, owner)
    return see(f"/items/{item_id}")


@router.post("/items/{item_id}/restore")
def restore(item_id: UUID, parts: Parts, owner: Caller) -> Response:
    """Take an item out of the trash, and show it."""
    item_endpoints.restore_item(item_id, parts, owner)
    return see(f"/items/{item_id}")


@router.post("/items/{item_id}/remove")
def remove(item_id: UUID, parts: Parts, owner: Caller) -> Response:
    """Remove an item that is in the trash for good, and show the rest."""
    item_endpoints.delete_item(item_id, parts, owner)
    return see("/trash")


@router.post("/trash/empty")
def empty_trash(parts: Parts, owner: Caller) -> Response:
    """Remove what is in the trash for good, as much as one request does."""
    item_endpoints.empty_trash(parts, owner)
    return see("/trash")


def see(path: str) -> Response:
    """Show another page, so that a reload repeats nothing."""
    return RedirectResponse(path, status.HTTP_303_SEE_OTHER, headers=HEADERS)
