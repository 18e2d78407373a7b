"""Two owners on one server: nothing of the one is there for the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import pytest
from fastapi import Depends, FastAPI, WebSocket

from prsnl.api import make_app
from prsnl.core.db import Database
from prsnl.web.dependencies import Caller, Parts
from prsnl.wire.access import Scope
from prsnl.wiring import Wiring
from prsnl.work import ledger
from tests.fakes import transcripts
from tests.integration.api.conftest import Person, Server, serving
from tests.integration.api.neighbours import (
    Estate,
    Neighbour,
    UntaughtError,
    filled,
    operations,
)

#: Parameters that are no id: a word that an owner's things have, too.
WORDS = {
    "name": "garden",
    "number": "1",
    "form": "json",
    "fingerprint": "0" * 16,
    "job": "language",
}
#: What a schema alone does not tell how to ask.
BODIES = {
    "PATCH /api/items/{item_id}": {"title": "Taken"},
    "PATCH /api/tags/{name}": {"name": "taken"},
    "POST /api/attachments/{attachment_id}/rerun": {"stage": "cleaning"},
}


def estate_of(server: Server, person: Person, folder: Path) -> Estate:
    """Things of an owner, one of each kind, all with a word of his own in them.

    A new kind of thing is added here: the name of its parameter, and its id.
    """
    canary = f"canary{uuid4().hex}"
    note = folder / f"{canary}.txt"
    note.write_text(f"A note about {canary}.\n")
    sent = person.client.upload(note)
    assert sent.task is not None
    analysis = person.http.post(
        "/api/background/ai/analyze-content", json={"content": f"About {canary}."}
    ).json()
    tagged = person.http.patch(f"/api/items/{sent.item_id}", json={"tags": ["garden"]})
    assert tagged.status_code == 200
    listed = person.http.post(
        "/api/collections", json={"name": "garden", "ids": [str(sent.item_id)]}
    )
    assert listed.status_code == 201, listed.text
    who = person.http.get("/api/me").json()
    session_id = server.database.run(
        lambda connection: _session(connection, who["key_id"], canary)
    )
    blob = server.wiring.storage.put_bytes(canary.encode())
    server.database.run(
        lambda connection: connection.execute(
            "insert into attachment_frames (attachment_id, number, time_s, start_s, "
            "end_s, width, height, blob, text) values (%s, 1, 0, 0, 1, 1, 1, %s, %s)",
            [sent.attachment.id, blob, canary],
        )
    )
    server.database.run(
        lambda connection: transcripts.keep(connection, sent.attachment.id, canary)
    )
    webhook = person.http.post(
        "/api/webhooks", json={"url": f"https://93.184.216.34/{canary}"}
    )
    assert webhook.status_code == 201, webhook.text
    return Estate(
        {
            "webhook_id": UUID(webhook.json()["id"]),
            "task_id": sent.task.task_id,
            "other_task_id": UUID(analysis["task_id"]),
            "attachment_id": sent.attachment.id,
            "file_id": sent.attachment.id,
            "item_id": sent.item_id,
            "file_ids": sent.attachment.id,
            "content_id": sent.item_id,
            "content_items": sent.item_id,
            "/api/items/bulk ids": sent.item_id,
            "/api/collections ids": sent.item_id,
            "/api/background/dead-letters/requeue ids": sent.task.task_id,
            "key_id": UUID(who["key_id"]),
            "session_id": session_id,
        },
        WORDS,
        canary,
        BODIES,
    )


def _session(connection: Database, key_id: str, device: str) -> UUID:
    session_id = uuid4()
    connection.execute(
        "insert into sessions (id, token_hash, key_id, device, expires_at) "
        "values (%s, %s, %s, %s, now() + interval '1 day')",
        [session_id, uuid4().bytes, key_id, device],
    )
    return session_id


def of_owner(server: Server, owner: str) -> dict[str, list[str]]:
    """Every row of an owner, in every table that has owners."""

    def read(connection: Database) -> dict[str, list[str]]:
        tables = connection.execute(
            "select table_name from information_schema.columns "
            "join information_schema.tables using (table_schema, table_name) "
            "where table_schema = 'public' and column_name = 'owner' "
            "and table_type = 'BASE TABLE' and table_name <> 'api_keys'"
        ).fetchall()
        return {
            table["table_name"]: [
                str(row)
                for row in connection.execute(
                    f"select * from {table['table_name']} where owner = %s order by 1",
                    [owner],
                ).fetchall()
            ]
            for table in tables
        }

    return server.database.run(read)


@pytest.fixture
def app(wiring: Wiring) -> FastAPI:
    return make_app(wiring)


@pytest.fixture
def server(app: FastAPI, wiring: Wiring) -> Iterator[Server]:
    """The API of this test alone, for the test looks at the application itself."""
    with (
        serving(app) as url,
        Database.open(wiring.database_url, size=2, name="test", patience_s=5) as pool,
    ):
        yield Server(url, wiring, pool)


@pytest.fixture
def ben(server: Server, people: Callable[..., Person]) -> Person:
    """One whose key manages nobody's."""
    return people(server, frozenset({Scope.READ, Scope.WRITE}))


def test_no_route_shows_or_changes_what_is_another_owners(
    server: Server, app: FastAPI, ada: Person, ben: Person, tmp_path: Path
) -> None:
    hers = estate_of(server, ada, tmp_path)
    before = of_owner(server, ada.owner)
    assert before["tasks"]

    assert Neighbour(app, ben.http).findings(hers) == []
    assert of_owner(server, ada.owner) == before


def test_the_owner_sees_what_the_other_does_not(
    server: Server, app: FastAPI, ben: Person, tmp_path: Path
) -> None:
    """Else the silence of the test above would prove nothing."""
    his = estate_of(server, ben, tmp_path)

    told = "\n".join(Neighbour(app, ben.http).findings(his))

    for route in (
        "GET /api/items:",
        "GET /api/items/{item_id}:",
        "GET /api/attachments/{attachment_id}:",
        "GET /api/background/tasks:",
        "GET /api/background/tasks/active:",
        "GET /api/background/status/{task_id}:",
        "GET /api/sessions:",
        "POST /api/background/files/process-document:",
        "DELETE /api/background/tasks/{task_id}:",
        "DELETE /api/sessions/{session_id}:",
        "WS /api/background/ws/progress/{task_id}:",
    ):
        assert route in told


def test_each_route_of_the_description_and_each_socket_is_asked(app: FastAPI) -> None:
    asked = {str(each) for each in operations(app)}
    described = {
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }

    assert described <= asked
    assert {each for each in asked if each.startswith("WS ")}


def test_only_health_and_what_signs_in_is_open(app: FastAPI) -> None:
    assert {str(each) for each in operations(app) if each.is_open} == {
        "GET /health",
        "GET /ready",
        "GET /link",
        "POST /link",
        "GET /sign-in",
        "POST /sign-in",
        "GET /assets/{version}/{name}",
    }


def test_a_new_route_that_forgets_the_owner_is_found(
    server: Server, app: FastAPI, ada: Person, ben: Person, tmp_path: Path
) -> None:
    hers = estate_of(server, ada, tmp_path)

    @app.get("/api/leak/{task_id}")
    def leak(task_id: UUID, parts: Parts, _owner: Caller) -> str:
        view = parts.database.run(
            lambda connection: ledger.task(connection, task_id, owner=ada.owner)
        )
        return view.name

    @app.get("/api/leaks")
    def leaks(_owner: Caller) -> list[str]:
        return [str(hers.ids["item_id"])]

    @app.websocket("/api/leak/{item_id}")
    async def socket(websocket: WebSocket, item_id: UUID, _owner: Caller) -> None:
        await websocket.accept()
        await websocket.send_text(f"{item_id} {hers.canary}")

    app.openapi_schema = None
    found = Neighbour(app, ben.http).findings(hers)

    assert {each.partition(":")[0] for each in found} == {
        "GET /api/leak/{task_id}",
        "GET /api/leaks",
        "WS /api/leak/{item_id}",
    }


def test_a_new_kind_of_id_must_be_taught(
    server: Server, app: FastAPI, ada: Person, tmp_path: Path
) -> None:
    """A route that is left out in silence would be a hole that nobody sees."""
    hers = estate_of(server, ada, tmp_path)

    @app.get("/api/things/{thing_id}")
    def thing(thing_id: UUID, owner: Annotated[str, Depends(lambda: "x")]) -> str:
        return f"{thing_id} {owner}"

    with pytest.raises(UntaughtError, match="thing_id"):
        filled("thing_id", hers)
