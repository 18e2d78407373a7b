"""Every page in every state: nothing is unsaid, no bar without a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import httpx2
import pytest

from prsnl.core.db import Db
from prsnl.wire.access import Scope
from prsnl.work.queues import Queue
from tests.fakes.html_page import HtmlPage
from tests.fakes.page_rules import faults
from tests.integration.api.conftest import Person, Server
from tests.integration.api.test_pages import change, kept_to_the_rules

PAGES: Final = (
    "/",
    "/tasks",
    "/tasks?show=failed",
    "/tasks?show=running",
    "/tasks?show=waiting",
    "/tasks?show=done",
    "/failures",
    "/queues",
    "/queues?span=hour",
    "/queues?span=week&queue=file_processing",
    "/queues?span=month",
    "/engines",
    "/doctor",
    "/settings",
    "/keys",
    "/tags",
    "/trash",
)
DAMAGED: Final = ("permanent", "corrupt", "The PDF is damaged.")


@pytest.fixture
def reader(server: Server, ada: Person) -> Iterator[httpx2.Client]:
    """A browser that is signed in with every scope."""
    yield from signed_in(server, ada)


def signed_in(server: Server, person: Person) -> Iterator[httpx2.Client]:
    token = person.http.post("/api/links").json()["url"].partition("#")[2]
    with httpx2.Client(
        base_url=server.url,
        headers={"Origin": server.url},
        timeout=60,
        trust_env=False,
    ) as client:
        assert client.post("/link", data={"token": token}).status_code == 303
        yield client


def read(reader: httpx2.Client, path: str) -> HtmlPage:
    """A page without a fault."""
    answer = reader.get(path)
    assert answer.status_code == 200, (path, answer.text)
    found = faults(answer.text)
    assert found == [], (path, found)
    return kept_to_the_rules(answer)


def walk(reader: httpx2.Client, *more: str) -> dict[str, HtmlPage]:
    return {path: read(reader, path) for path in (*PAGES, *more)}


def uploaded(person: Person, folder: Path, count: int) -> list[UUID]:
    """Tasks that wait, the oldest first."""
    made = []
    for number in range(count):
        path = folder / f"{number}-{uuid4().hex[:6]}.txt"
        path.write_text(f"{uuid4()}")
        task = person.client.upload(path).task
        assert task is not None
        made.append(task.task_id)
    return made


def ended(
    server: Server,
    person: Person,
    task_id: UUID,
    status: str,
    error: tuple[str, str, str] | None = None,
) -> None:
    """Let a worker have ended a task, and written its line of the log."""

    def write(connection: Db) -> None:
        connection.execute(
            "insert into celery_task_results (task_id, claim_no, task_name, queue, "
            "owner, status, queued_at, started_at, runtime_s, retry_count, "
            "error_category, error_code, error_message, traceback) values (%s, 1, "
            "'process_document_task', 'file_processing', %s, %s, "
            "now() - interval '90 s', now() - interval '30 s', 12.5, 0, %s, %s, "
            "%s, %s)",
            [
                task_id,
                person.owner,
                status,
                *(error or (None, None, None)),
                '  File "/srv/secret/src/prsnl/work/run.py", line 7, in run\n',
            ],
        )

    server.database.run(write)
    category, code, message = error or (None, None, None)
    change(
        server,
        task_id,
        status=status,
        claim_no=1,
        error_category=category,
        error_code=code,
        error_message=message,
    )
    server.database.run(
        lambda connection: connection.execute(
            "update tasks set started_at = now() - interval '30 s', finished_at = now()"
            " where id = %s",
            [task_id],
        )
    )


def test_every_page_of_who_has_nothing_teaches_the_next_step(
    reader: httpx2.Client,
) -> None:
    pages = walk(reader)

    assert "Add a file" in pages["/tasks"].text
    assert "Nothing has failed." in pages["/failures"].text
    assert "Nothing to draw" in pages["/queues"].text
    assert "There are no tags yet." in pages["/tags"].text
    assert "No scheduler is running" in pages["/doctor"].text
    assert pages["/engines"].all("form", action="/engines/ocr/test")


def test_every_page_in_every_state_says_what_it_is(
    server: Server, ada: Person, reader: httpx2.Client, tmp_path: Path
) -> None:
    """One of each state, and more of one than a page shows."""
    ids = uploaded(ada, tmp_path, 14)
    running, parked, held, waits, failed, dead, done, gone, again, *rest = ids
    change(
        server,
        running,
        status="running",
        claim_no=3,
        current=2,
        total=7,
        message="Reading pages",
    )
    server.database.run(
        lambda connection: connection.execute(
            "update tasks set claimed_at = now() - interval '70 s', "
            "started_at = now() - interval '200 s' where id = %s",
            [running],
        )
    )
    change(server, parked, status="parked", provider="llm.example")
    change(server, held, held=True)
    change(server, waits, status="waiting", children_open=3)
    change(
        server,
        again,
        retries=1,
        error_category="transient",
        error_code="unavailable",
        error_message="It was away.",
    )
    for task_id, status in ((failed, "failure"), (dead, "dead")):
        ended(server, ada, task_id, status, DAMAGED)
    ended(server, ada, done, "success")
    change(server, gone, status="revoked")
    pages = walk(reader, *(f"/tasks/{each}" for each in ids))

    by_need = pages["/tasks"]
    for words in ("Needs attention", "In progress", "Queued", "Done"):
        assert words in by_need.text
    assert "for 1 min 1" in by_need.text
    assert "29 %" in by_need.text
    assert "try 3" in by_need.text
    assert "parts" in by_need.text
    assert len(by_need.all("li", data_status="queued")) == 7
    assert len(rest) == 5
    failures = pages["/failures"]
    assert "The PDF is damaged." in failures.text
    assert "llm.example: 1 task" in failures.text
    assert "Get the file again" in failures.text
    assert "2 failed tasks of 1 cause" in failures.text
    assert failures.all("form", action=f"/tasks/{parked}/try-now")
    assert "prsnl/work/run.py" in failures.text
    assert "/srv/secret" not in failures.source
    assert "1 done" in pages["/queues"].text
    assert "2 failures" in pages["/queues"].text
    assert "1 min 0 s" in pages["/queues"].text


def test_a_point_of_a_picture_leads_to_its_rows(
    server: Server, ada: Person, reader: httpx2.Client, tmp_path: Path
) -> None:
    failed, done = uploaded(ada, tmp_path, 2)
    ended(server, ada, failed, "failure", DAMAGED)
    ended(server, ada, done, "success")
    page = read(reader, "/queues")
    points = {
        a.attributes["href"]: a.attributes["aria-label"]
        for a in page.all("a")
        if "from=" in a.attributes["href"]
    }
    (to_failed,) = [href for href in points if "show=failed" in href]
    (to_done,) = [href for href in points if "show=done" in href]

    assert "1 failure" in points[to_failed]
    for href, task_id in ((to_failed, failed), (to_done, done)):
        rows = read(reader, href).all("li", **{"class": "row"})
        assert [row.attributes["data-task"] for row in rows] == [str(task_id)]
    assert not read(reader, f"{to_done}&queue=insights").all("li", **{"class": "row"})


def test_a_line_that_moves_is_told_as_its_list_tells_it(
    server: Server, ada: Person, reader: httpx2.Client, tmp_path: Path
) -> None:
    """What is fetched alone takes the place of what the page was made with."""
    (task_id,) = uploaded(ada, tmp_path, 1)
    change(server, task_id, status="running", claim_no=1, current=1, total=4)
    server.database.run(
        lambda connection: connection.execute(
            "insert into task_stages (task_id, stage, claim_no, checkpoint_key, "
            "milliseconds) values (%s, 'identify', 1, '', 12)",
            [task_id],
        )
    )
    row = reader.get(f"/tasks/{task_id}/row").text.strip()

    assert "Step 1: Look at the file" in row
    lines = [line.strip() for line in reader.get("/tasks").text.splitlines()]
    for line in row.splitlines():
        assert line.strip() in lines


def test_a_queue_is_paused_and_resumed_by_who_may(
    ada: Person, reader: httpx2.Client
) -> None:
    """A queue that no other test of this process looks at: it is everybody's."""
    path = f"/queues/{Queue.INSIGHTS}"
    assert reader.post(f"{path}/pause").headers["location"] == "/queues"
    page = read(reader, "/queues")
    assert f"Paused by {ada.owner}" in page.text
    assert page.all("form", action=f"{path}/resume")
    assert f"is paused by {ada.owner}" in read(reader, "/doctor").text
    assert reader.post(f"{path}/resume").status_code == 303
    assert f"Paused by {ada.owner}" not in read(reader, "/queues").text


def test_a_broker_that_is_away_is_said_on_every_page(
    server: Server, reader: httpx2.Client
) -> None:
    away = "The broker does not answer: its tasks wait, and none is lost."
    scheduler = uuid4()
    server.database.run(
        lambda connection: connection.execute(
            "insert into workers (id, kind, host, pid, queues, slots, trouble) "
            "values (%s, 'scheduler', 'here', 1, '{}', 0, %s)",
            [scheduler, away],
        )
    )
    try:
        pages = walk(reader)
    finally:
        server.database.run(
            lambda connection: connection.execute(
                "delete from workers where id = %s", [scheduler]
            )
        )

    assert all(away in page.text for page in pages.values())
    assert "wrong  broker" in pages["/doctor"].text


def test_who_may_only_read_is_told_what_is_missing(
    server: Server, people: object
) -> None:
    assert callable(people)
    person = people(server, frozenset({Scope.READ, Scope.WRITE}))
    for reader in signed_in(server, person):
        pages = walk(reader)
        assert not pages["/queues"].all("form", action="/queues/insights/pause")
        for path in ("/queues", "/settings", "/keys"):
            assert "has the scope" in pages[path].text or (
                "with the scope" in pages[path].text
            ), path
        for path in ("/queues/insights/pause", "/keys"):
            refused = reader.post(path)
            assert refused.status_code == 403
            assert "scope" in kept_to_the_rules(refused).text


def test_failures_are_tried_again_together(
    server: Server, ada: Person, reader: httpx2.Client, tmp_path: Path
) -> None:
    ids = uploaded(ada, tmp_path, 3)
    for task_id in ids:
        ended(server, ada, task_id, "dead", ("bug", "bug", "It broke."))
    page = read(reader, "/failures")
    (form,) = [
        form
        for form in page.all("form")
        if form.attributes.get("action", "").endswith("/requeue")
    ]

    assert "Try all 3 again" in page.text
    assert reader.post(form.attributes["action"]).headers["location"] == "/failures"
    (bulk, *_) = ada.client.tasks()
    assert bulk.name == "requeue_failed_task"
    let_be = form.attributes["action"].replace("requeue", "resolve")
    assert reader.post(let_be).status_code == 303
    assert "Nothing has failed" in read(reader, "/failures").text


def test_a_key_is_made_shown_once_and_revoked(
    server: Server, ada: Person, reader: httpx2.Client
) -> None:
    wanted = {"owner": ada.owner, "name": "scanner", "scopes": ["read", "write"]}
    made = reader.post("/keys", data={**wanted, "days": "30"})
    page = kept_to_the_rules(made)
    (secret,) = re.findall(r'id="secret">([^<]+)<', page.source)

    assert faults(made.text) == []
    assert secret not in reader.get("/keys").text
    with server.http(secret) as http:
        key_id = http.get("/api/me").json()["key_id"]
        assert reader.post(f"/keys/{key_id}/revoke").headers["location"] == "/keys"
        assert http.get("/api/me").status_code == 401
    wrong = reader.post("/keys", data={"owner": "", "name": "x", "scopes": "read"})
    assert wrong.status_code == 422
    assert "say whose documents" in kept_to_the_rules(wrong).text


def test_a_link_for_a_phone_is_a_code_or_says_why_there_is_none(
    reader: httpx2.Client,
) -> None:
    answer = reader.post("/keys/link")
    page = kept_to_the_rules(answer)

    assert faults(answer.text) == []
    assert "/link#" in page.text
    assert page.all("svg", role="img") or "PRSNL_" in page.text


def test_signing_out_everywhere_ends_every_browser_and_no_key(
    server: Server, ada: Person, reader: httpx2.Client
) -> None:
    unused = ada.http.post("/api/links").json()["url"].partition("#")[2]
    for other in signed_in(server, ada):
        (session,) = [
            form.attributes["action"]
            for form in read(reader, "/keys").all("form")
            if form.attributes.get("action", "").startswith("/sessions/")
        ]
        assert session.endswith("/end")
        answer = reader.post("/sign-out-everywhere")
        assert answer.headers["location"] == "/sign-in"
        assert other.get("/").status_code == 401
        assert other.post("/link", data={"token": unused}).status_code == 401
    assert reader.get("/").status_code == 401
    assert ada.client.sign_out_everywhere().sessions == 0


def test_tags_are_listed_renamed_merged_and_taken_away(
    ada: Person, reader: httpx2.Client, tmp_path: Path
) -> None:
    for number, tag in enumerate(("rent", "lease & <b>")):
        path = tmp_path / f"{number}.txt"
        path.write_text(f"{uuid4()}")
        item = ada.client.upload(path, process=False).item_id
        ada.http.patch(f"/api/items/{item}", json={"tags": [tag]})
    page = read(reader, "/tags")
    assert "lease & <b>" in page.text
    found = read(reader, "/tags?has=EASE")
    assert "lease & <b>" in found.text
    assert not found.all("a", href="/tags?tag=rent")
    assert "No tag has" in read(reader, "/tags?has=%25").text
    assert [one.name for one in ada.client.tags(has="en")] == ["rent"]
    renamed = reader.post("/tags/rename", data={"old": "lease & <b>", "new": " rent "})
    assert renamed.headers["location"] == "/tags?tag=rent"
    merged = read(reader, renamed.headers["location"])
    assert len(merged.all("li", **{"class": "row"})) == 2
    assert reader.post("/tags/delete", data={"old": "rent"}).status_code == 303
    assert "Nothing has this tag" in read(reader, "/tags?tag=rent").text
    empty = reader.post("/tags/rename", data={"old": "rent", "new": " "})
    assert empty.status_code == 422


def test_the_trash_is_emptied_at_once(
    ada: Person, reader: httpx2.Client, tmp_path: Path
) -> None:
    for number in range(2):
        path = tmp_path / f"{number}.txt"
        path.write_text(f"{uuid4()}")
        item = ada.client.upload(path, process=False).item_id
        ada.http.delete(f"/api/items/{item}").raise_for_status()
    assert "Remove all 2 items for good?" in read(reader, "/trash").source

    assert reader.post("/trash/empty").headers["location"] == "/trash"

    page = read(reader, "/trash")
    assert not page.all("form", action="/trash/empty")
    assert not page.all("li", **{"class": "row"})


def test_an_address_is_told_when_work_ends_until_it_is_removed(
    reader: httpx2.Client,
) -> None:
    wanted = {"url": "https://example.org/prsnl", "events": ["work.ended"]}
    made = reader.post("/webhooks", data=wanted)
    page = kept_to_the_rules(made)
    (secret,) = re.findall(r'id="secret">([^<]+)<', page.source)

    assert faults(made.text) == []
    shown = read(reader, "/settings")
    assert "https://example.org/prsnl" in shown.text
    assert secret not in shown.source
    (remove,) = [
        form.attributes["action"]
        for form in shown.all("form")
        if form.attributes.get("action", "").endswith("/delete")
    ]
    assert reader.post(remove).headers["location"] == "/settings"
    assert "No address yet." in read(reader, "/settings").text
    wrong = reader.post("/webhooks", data={"url": "file:///etc", "events": "x"})
    assert wrong.status_code == 422
    assert "begins with https://" in kept_to_the_rules(wrong).text


def test_no_secret_and_no_folder_of_the_server_is_on_a_page(
    server: Server, reader: httpx2.Client
) -> None:
    storage = server.wiring.settings.storage
    for path, page in walk(reader).items():
        assert str(storage.folder) not in page.source, path
        assert server.wiring.database_url not in page.source, path


def test_the_rules_see_what_they_look_for() -> None:
    """A check that finds nothing anywhere would pass every page."""
    good = (
        '<html lang="en"><body><header></header><main><h1>A</h1></main>'
        "<footer></footer></body></html>"
    )
    assert faults(good) == []
    for wrong in (
        "<p>took None</p>",
        '<div><progress max="100"></progress></div>',
        '<div><progress value="3"></progress> soon</div>',
        '<div><progress value="NaN"></progress> NaN %</div>',
        '<span class="state"></span>',
        "<button></button>",
        "<button disabled>Pause</button>",
        '<input name="a">',
        "<h3>skipped</h3>",
        "<nav></nav>",
    ):
        assert faults(good.replace("</main>", f"{wrong}</main>")), wrong
