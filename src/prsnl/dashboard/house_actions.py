"""What the forms of the pages of failures, queues, engines and the house do.

With scripts the same is asked of the API, where a form says so.
"""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from prsnl.access import endpoints as access
from prsnl.access.endpoints import NewKey
from prsnl.core.errors import BadRequestError
from prsnl.dashboard.actions import see
from prsnl.dashboard.forms import lists
from prsnl.dashboard.house import keys_page, settings_page
from prsnl.dashboard.routing import PageRoute
from prsnl.engines.inventory.jobs import Job
from prsnl.library import tag_endpoints
from prsnl.monitoring import engine_endpoints
from prsnl.monitoring import overview_endpoints as overview
from prsnl.monitoring.engine_endpoints import Known
from prsnl.web.dependencies import Admin, Caller, Dispatch, Parts, Visitor
from prsnl.web.origins import cookie_name
from prsnl.webhooks import endpoints as webhooks
from prsnl.wire.library import TagRename
from prsnl.wire.monitoring import Fingerprint, Requeue
from prsnl.wire.webhooks import NewWebhook
from prsnl.work.queues import Queue

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/failures/{fingerprint}/requeue")
async def requeue(fingerprint: Fingerprint, dispatch: Dispatch) -> Response:
    """Have all that failed by one cause tried again, by a task."""
    await overview.requeue(Requeue(fingerprint=fingerprint), dispatch)
    return see("/failures")


@router.post("/failures/{fingerprint}/resolve")
def resolve(fingerprint: Fingerprint, parts: Parts, owner: Caller) -> Response:
    """Count what failed by one cause so far no more."""
    overview.resolve(fingerprint, parts, owner)
    return see("/failures")


@router.post("/queues/{name}/pause")
def pause(name: Queue, parts: Parts, who: Admin) -> Response:
    """Begin none of a queue's tasks."""
    overview.pause_queue(name, parts, who)
    return see("/queues")


@router.post("/queues/{name}/resume")
def resume(name: Queue, parts: Parts, who: Admin) -> Response:
    """Let a queue go on."""
    overview.resume_queue(name, parts, who)
    return see("/queues")


@router.post("/engines/{job}/test")
async def test_engine(job: Job, parts: Parts, owner: Caller, known: Known) -> Response:
    """Have the engine of a job tested, and show what comes of it."""
    await engine_endpoints.test_engine(job, parts, owner, known)
    return see(f"/engines#job-{job}")


@router.post("/keys")
async def create_key(
    request: Request, parts: Parts, owner: Caller, who: Admin
) -> Response:
    """Make a key, and tell its secret this once."""
    given = await lists(request, "owner", "name", "scopes", "days")
    try:
        wanted = NewKey.model_validate(
            {
                "owner": "".join(given["owner"]),
                "name": "".join(given["name"]),
                "scopes": given["scopes"],
                "expires_in_days": "".join(given["days"]) or None,
            }
        )
    except ValidationError as error:
        field = error.errors()[0]["loc"][0]
        raise BadRequestError(
            f"The key was not made: {_WANTED.get(str(field), 'look at the form')}."
        ) from error

    def work() -> Response:
        made = access.create_key(who, parts, wanted)
        return keys_page(parts, owner, who, made=made)

    return await run_in_threadpool(work)


_WANTED = {
    "owner": "say whose documents it is for",
    "name": "give it a name to know it by",
    "scopes": "say what it may do, one thing at least",
    "expires_in_days": "it ends after 1 to 3650 days, or never",
}


@router.post("/keys/{key_id}/revoke")
def revoke_key(key_id: UUID, parts: Parts, who: Admin) -> Response:
    """Let a key in no more."""
    access.revoke_key(who, parts, key_id)
    return see("/keys")


@router.post("/keys/link")
def make_link(request: Request, parts: Parts, owner: Caller, who: Visitor) -> Response:
    """Make a link that signs one more browser in, and show it as a code."""
    link = access.make_link(request, who, parts)
    return keys_page(parts, owner, who, link=link)


@router.post("/sessions/{session_id}/end")
def end_session(
    session_id: UUID, parts: Parts, owner: Caller, who: Visitor
) -> Response:
    """Sign one browser out."""
    access.end_session(owner, who, parts, session_id)
    return see("/keys")


@router.post("/sign-out-everywhere")
def sign_out_everywhere(
    request: Request, parts: Parts, owner: Caller, who: Visitor
) -> Response:
    """Sign every browser of the caller out, this one too."""
    access.end_sessions(owner, who, parts)
    answer = see("/sign-in")
    answer.delete_cookie(cookie_name(request))
    return answer


@router.post("/webhooks")
async def add_webhook(
    request: Request, parts: Parts, owner: Caller, who: Visitor, known: Known
) -> Response:
    """Have an address told when work ends, and tell its secret this once."""
    given = await lists(request, "url", "events")
    try:
        wanted = NewWebhook.model_validate(
            {"url": "".join(given["url"]).strip(), "events": given["events"]}
        )
    except ValidationError as error:
        raise BadRequestError(
            "The address was not kept: give one that begins with https:// or http://, "
            "without a password, and say what it is told of."
        ) from error

    def work() -> Response:
        made = webhooks.add_webhook(wanted, request, parts, owner)
        return settings_page(parts, owner, who, known, made=made)

    return await run_in_threadpool(work)


@router.post("/webhooks/{webhook_id}/test")
def test_webhook(webhook_id: UUID, parts: Parts, owner: Caller) -> Response:
    """Send an address a message that tells of nothing."""
    webhooks.test_webhook(webhook_id, parts, owner)
    return see("/settings")


@router.post("/webhooks/{webhook_id}/delete")
def delete_webhook(webhook_id: UUID, parts: Parts, owner: Caller) -> Response:
    """Tell an address no more."""
    webhooks.delete_webhook(webhook_id, parts, owner)
    return see("/settings")


@router.post("/tags/rename")
async def rename_tag(request: Request, parts: Parts, owner: Caller) -> Response:
    """Rename a tag; into one that is there, both become one."""
    given = await lists(request, "old", "new")
    old, new = "".join(given["old"]).strip(), "".join(given["new"]).strip()
    try:
        wanted = TagRename(name=new)
    except ValidationError as error:
        raise BadRequestError(
            "A tag has 1 to 100 characters, on one line: type another name."
        ) from error
    await run_in_threadpool(tag_endpoints.rename_tag, old, wanted, parts, owner)
    return see(f"/tags?{urlencode({'tag': wanted.name})}")


@router.post("/tags/delete")
async def delete_tag(request: Request, parts: Parts, owner: Caller) -> Response:
    """Take a tag from every item."""
    given = await lists(request, "old")
    await run_in_threadpool(
        tag_endpoints.delete_tag, "".join(given["old"]), parts, owner
    )
    return see("/tags")
