"""Who may ask, under which name, and what a refusal looks like."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prsnl.api import make_app
from prsnl.client import Client
from prsnl.core.errors import UnauthorizedError
from prsnl.wiring import Wiring
from prsnl.work.workers import WorkerIdentity, say_gone, say_seen
from tests.integration.api.conftest import Person, Server, api_over, serving


def test_every_route_under_api_wants_a_key(server: Server) -> None:
    with server.http(None) as http:
        paths = http.get("/openapi.json").json()["paths"]
        for path, methods in paths.items():
            if not path.startswith("/api/"):
                continue
            for method in methods:
                url = path.replace("{task_id}", "x")
                answer = http.request(method.upper(), url)
                assert answer.status_code == 401, (method, path)
                assert answer.json()["code"] == "unauthorized"
                assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_that_nobody_made_is_refused(server: Server) -> None:
    with (
        Client(server.url, "prsnl_nonsense") as client,
        pytest.raises(UnauthorizedError, match="api-key"),
    ):
        client.tasks()


def test_a_revoked_key_is_refused(server: Server) -> None:
    key = server.key("somebody")
    server.database.run(
        lambda connection: connection.execute(
            "update api_keys set revoked_at = now() where owner = 'somebody'"
        )
    )
    with Client(server.url, key) as client, pytest.raises(UnauthorizedError):
        client.tasks()


def test_a_name_that_was_bent_to_this_machine_reaches_nothing(
    server: Server, ada: Person
) -> None:
    answer = ada.http.get("/api/items", headers={"Host": "evil.example"})

    assert answer.status_code == 421
    assert "PRSNL_PUBLIC_URL" in answer.json()["detail"]
    with server.http(None) as http:
        assert http.get("/health", headers={"Host": "localhost:1"}).status_code == 200


def test_another_sites_page_may_not_call(ada: Person) -> None:
    theirs = ada.http.get("/api/items", headers={"Origin": "https://evil.example"})
    ours = ada.http.get("/api/items", headers={"Origin": "http://localhost:8000"})

    none = ada.http.get("/api/items", headers={"Origin": "http://["})

    assert (theirs.status_code, none.status_code) == (403, 403)
    assert ours.status_code == 200


def test_what_is_not_there_is_told_as_a_problem(ada: Person) -> None:
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("PUT", "/api/items", 405),
    ):
        answer = ada.http.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "code"} <= set(answer.json())


def test_a_defect_of_ours_shows_a_reference_and_nothing_else(wiring: Wiring) -> None:
    app = make_app(wiring)

    @app.get("/broken")
    def broken() -> None:
        raise ValueError("a secret of the server")

    with serving(app) as url, Client(url) as client:
        answer = client._http.get("/broken")

    assert answer.status_code == 500
    assert answer.json()["reference"]
    assert "secret" not in answer.text
    assert "ValueError" not in answer.text


def test_health_needs_no_key_and_names_what_is_missing(wiring: Wiring) -> None:
    scheduler = WorkerIdentity(kind="scheduler")
    worker = WorkerIdentity(kind="worker", queues=("file_processing",), slots=1)
    with api_over(wiring) as server, Client(server.url) as client:
        alone = client.health()
        for process in (scheduler, worker):
            server.database.run(
                lambda connection, one=process: say_seen(connection, one)
            )
        whole = client.health()
        server.database.run(lambda connection: say_gone(connection, scheduler))
        headless = client.health()

    assert alone.status == "degraded"
    assert len(alone.problems) == 2
    assert (whole.status, whole.broker, whole.schedulers) == ("ok", "ok", 1)
    assert whole.workers["file_processing"].slots == 1
    assert headless.broker == "unknown"


def test_a_database_that_is_away_is_told_and_no_secret_with_it(wiring: Wiring) -> None:
    away = wiring.database_url.rpartition("/")[0] + "/not_there"
    with (
        api_over(replace(wiring, database_url=away)) as server,
        Client(server.url, "prsnl_any") as client,
    ):
        health = client.health()
        ready = client._http.get("/ready")
        asked = client._http.get("/api/items")

    assert health.status == "degraded"
    assert health.database == "The database does not answer."
    assert ready.status_code == asked.status_code == 503
    assert int(asked.headers["retry-after"]) > 0
    assert "not_there" not in asked.text + ready.text + health.model_dump_json()
