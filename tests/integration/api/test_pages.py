"""The pages as HTML: what they say, what they may load, whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest

from prsnl.core.db import Db
from prsnl.dashboard import actions, activity, endpoints, house_actions
from prsnl.engines.contracts import (
    Entity,
    EntityKind,
    FileType,
    Insight,
    InsightKind,
    Insights,
    KeySentence,
    PageStatus,
    PageText,
    Summary,
    TextAnalysis,
)
from prsnl.items import learned, store
from prsnl.web.limits import LARGEST_BODY_BYTES
from prsnl.wire.files import Uploaded
from prsnl.wiring import Wiring
from tests.fakes.html_page import HtmlPage
from tests.integration.api.conftest import Person, Server, api_over, signed_in

HOSTILE = "<img src=x onerror=alert(1)>\"'&lt;\u202egnp"
NOWHERE = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def browser(server: Server, ada: Person) -> Iterator[httpx2.Client]:
    """A browser that is signed in."""
    with signed_in(server, ada) as browser:
        yield browser


def seen(browser: httpx2.Client, path: str) -> HtmlPage:
    """A page, once it is known to keep to our own rules."""
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    return kept_to_the_rules(answer)


def kept_to_the_rules(answer: httpx2.Response) -> HtmlPage:
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    page = HtmlPage(answer.text)
    for address in page.loads():
        assert address.startswith(("/", "?", "#")), address
        assert not address.startswith("//"), address
    for element in page.elements:
        assert "style" not in element.attributes, element
        assert not [name for name in element.attributes if name.startswith("on")]
        assert element.name != "style"
    for script in page.all("script"):
        assert script.attributes["src"]
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    keys = [
        e.attributes["data-key"] for e in page.elements if "data-key" in e.attributes
    ]
    assert len(keys) == len(set(keys))
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    assert all("alt" in image.attributes for image in page.all("img"))
    return page


def change(server: Server, task_id: UUID, **columns: object) -> None:
    """Let a worker have written."""
    names = ", ".join(f"{name} = %({name})s" for name in columns)
    server.database.run(
        lambda connection: connection.execute(
            f"update tasks set seq = seq + 1, {names} where id = %(id)s",
            {"id": task_id, **columns},
        )
    )


def read_as(
    server: Server, kept: Uploaded, *, kind: str = "pdf", pages: list[str]
) -> None:
    """Let a file have been read and analysed."""

    def save(connection: Db) -> None:
        store.save_type(
            connection,
            kept.attachment.id,
            FileType(mime_type="a/b", kind=kind, description="A file", confidence=1),
        )
        connection.execute(
            "update attachments set page_count = %s where id = %s",
            [len(pages), kept.attachment.id],
        )
        store.save_pages(
            connection,
            kept.attachment.id,
            [
                PageText(
                    number=number,
                    status=PageStatus.OK if text else PageStatus.FAILED,
                    text=text,
                    engine="fake",
                    reason="a test",
                    milliseconds=1,
                    error=None if text else "its stream is damaged",
                )
                for number, text in enumerate(pages, 1)
            ],
        )
        store.save_analysis(
            connection,
            kept.attachment.id,
            TextAnalysis(
                engine="fake",
                language="de",
                title=HOSTILE,
                title_source="heading",
                tags=(HOSTILE, "lease"),
                entities=(
                    Entity(
                        kind=EntityKind.URL,
                        text="javascript:alert(1)",
                        page=1,
                        start=0,
                        end=1,
                    ),
                ),
                word_count=3,
            ),
        )
        sentence = KeySentence(text=HOSTILE, page=2, score=1)
        learned.save_summary(
            connection,
            kept.attachment.id,
            Summary(engine="fake", key_sentences=(sentence,)),
        )
        fact = Insight(
            kind=InsightKind.DEADLINE,
            text=HOSTILE,
            context=HOSTILE,
            page=2,
            start=0,
            end=1,
        )
        learned.save_insights(
            connection, kept.attachment.id, Insights(engine="fake", insights=(fact,))
        )

    server.database.run(save)


def test_an_empty_library_tells_what_to_do(browser: httpx2.Client) -> None:
    page = seen(browser, "/")

    assert "Drop a PDF" in page.text
    (form,) = page.all("form", action="/upload")
    assert form.attributes["enctype"] == "multipart/form-data"


def test_a_file_that_waits_says_why_and_can_be_cancelled(
    server: Server, ada: Person, browser: httpx2.Client, note: Path
) -> None:
    task = ada.client.upload(note).task
    assert task is not None
    page = seen(browser, "/")

    assert "Waiting" in page.text
    assert "No scheduler is running" in page.text
    (cancel,) = page.all("form", action=f"/tasks/{task.task_id}/cancel")
    assert cancel.attributes["data-api"] == (
        f"DELETE /api/background/tasks/{task.task_id}"
    )
    (row,) = page.all("li", data_task=str(task.task_id))
    assert row.attributes["data-status"] == "queued"

    change(server, task.task_id, status="running", current=3, total=8, message="Reads")
    page = seen(browser, "/")
    assert page.all("progress", value="37.5")
    assert "38 %" in page.text


def test_a_missing_part_is_told_on_every_page(browser: httpx2.Client) -> None:
    for path in ("/", "/tasks"):
        assert "Part of PRSNL is not working" in seen(browser, path).text


def test_a_failure_says_what_went_wrong_wherever_it_shows(
    server: Server, ada: Person, browser: httpx2.Client, note: Path
) -> None:
    sent = ada.client.upload(note)
    assert sent.task is not None
    change(
        server,
        sent.task.task_id,
        status="failure",
        error_category="permanent",
        error_code="corrupt",
        error_message=f"It is damaged: {HOSTILE}",
    )
    for path in (
        "/",
        "/tasks?show=failed",
        f"/items/{sent.item_id}",
        f"/tasks/{sent.task.task_id}",
    ):
        page = seen(browser, path)
        assert "It is damaged" in page.text, path
        assert page.all("form", action=f"/tasks/{sent.task.task_id}/retry"), path


def test_what_a_document_holds_is_text_and_never_a_tag(
    server: Server, ada: Person, browser: httpx2.Client, tmp_path: Path
) -> None:
    path = tmp_path / HOSTILE.replace("/", "")
    path.write_text(f"{uuid4()}")
    kept = ada.client.upload(path, process=False)
    read_as(server, kept, pages=[f"<script>alert(1)</script> {HOSTILE}", "second"])
    page = seen(browser, f"/items/{kept.item_id}")

    assert "<script>alert(1)</script>" in page.text
    assert "javascript:alert(1)" in page.text
    assert page.text.count("<img src=x") >= 7
    (title,) = re.findall(r"<h1>(.*?)</h1>", page.source)
    assert "\u202e" not in title
    assert "German" in page.text
    assert all(
        one.attributes["src"].startswith("/assets/") for one in page.all("script")
    )
    seen(browser, "/")


def test_a_long_document_is_shown_a_few_pages_at_a_time(
    server: Server, ada: Person, browser: httpx2.Client, note: Path
) -> None:
    kept = ada.client.upload(note, process=False)
    read_as(server, kept, pages=["x" * 100_000, *(f"text {n}" for n in range(2, 501))])
    path = f"/items/{kept.item_id}"
    first = seen(browser, path)
    middle = seen(browser, f"{path}?page=247")
    beyond = seen(browser, f"{path}?page=9999")

    assert len(first.source) < 60_000
    assert "80,000 more characters" in first.text
    numbers = [e.attributes["id"] for e in middle.all("article")]
    assert numbers == [f"page-{n}" for n in range(246, 251)]
    assert beyond.all("article", id="page-500")
    assert not beyond.all("a", rel="next")
    assert browser.get(f"{path}?page=0").status_code == 404


def test_a_page_that_could_not_be_read_says_so_in_its_place(
    server: Server, ada: Person, browser: httpx2.Client, note: Path
) -> None:
    kept = ada.client.upload(note, process=False)
    read_as(server, kept, pages=["one", ""])

    assert "its stream is damaged" in seen(browser, f"/items/{kept.item_id}").text


def test_a_task_page_tells_its_tries_and_its_stages(
    server: Server, ada: Person, browser: httpx2.Client, note: Path
) -> None:
    sent = ada.client.upload(note)
    assert sent.task is not None
    task_id = sent.task.task_id

    def write(connection: Db) -> None:
        connection.execute(
            "insert into task_stages (task_id, stage, claim_no, checkpoint_key, "
            "milliseconds) values (%s, 'identify', 1, '', 12)",
            [task_id],
        )
        connection.execute(
            "insert into celery_task_results (task_id, claim_no, task_name, queue, "
            "owner, status, queued_at, started_at, runtime_s, retry_count, "
            "error_message) values (%s, 1, 'n', 'q', %s, 'queued', now(), now(), 2, 0, "
            "'The disk was away.')",
            [task_id, ada.owner],
        )

    server.database.run(write)
    page = seen(browser, f"/tasks/{task_id}")

    assert "Look at the file" in page.text
    assert "12 ms" in page.text
    assert "The disk was away." in page.text


def test_lists_go_on_where_the_part_before_ended(
    ada: Person, browser: httpx2.Client, tmp_path: Path
) -> None:
    for number in range(33):
        path = tmp_path / f"{number}.txt"
        path.write_text(str(uuid4()))
        ada.client.upload(path)
    for path in ("/", "/tasks?show=waiting"):
        first = seen(browser, path)
        (more,) = [e for e in first.all("a") if "data-more" in e.attributes]
        rest = seen(browser, more.attributes["href"])
        keys = [
            row.attributes["data-key"]
            for page in (first, rest)
            for row in page.all("li", **{"class": "row"})
        ]
        assert len(keys) == len(set(keys)) == 33
        assert keys == sorted(keys, reverse=True)


def test_forms_work_without_a_script(
    server: Server, ada: Person, browser: httpx2.Client, note: Path
) -> None:
    sent = browser.post("/upload", files={"file": ("a note.txt", note.read_bytes())})
    assert sent.status_code == 303
    item = seen(browser, sent.headers["location"])
    assert "a note" in item.text
    (task,) = ada.client.tasks()

    for action in ("cancel", "try-now"):
        answer = browser.post(f"/tasks/{task.task_id}/{action}")
        if action == "cancel":
            assert answer.headers["location"] == f"/tasks/{task.task_id}"
            assert "Cancelled" in seen(browser, answer.headers["location"]).text
        else:
            assert answer.status_code == 409
            assert "does not wait" in kept_to_the_rules(answer).text
    again = browser.post(f"/files/{task.attachment_id}/process?again=once")
    assert again.status_code == 303
    newest = ada.client.tasks()[0]
    change(server, newest.task_id, status="dead")
    assert browser.post(f"/tasks/{newest.task_id}/retry").status_code == 303


def test_a_form_takes_files_as_large_as_the_api_does(browser: httpx2.Client) -> None:
    """It is written to disk as it comes: the limit of other bodies is not its own."""
    content = bytes(LARGEST_BODY_BYTES + 1)

    sent = browser.post("/upload", files={"file": ("large.bin", content)})

    assert sent.status_code == 303


def test_an_item_goes_to_the_trash_and_comes_back_or_goes_for_good(
    ada: Person, browser: httpx2.Client, note: Path
) -> None:
    kept = ada.client.upload(note, process=False)
    path = f"/items/{kept.item_id}"
    assert "The trash is empty." in seen(browser, "/trash").text

    assert browser.post(f"{path}/trash").headers["location"] == path
    assert "removed for good on" in seen(browser, path).text
    assert seen(browser, "/trash").all("a", href=path)
    assert not seen(browser, "/").all("a", href=path)
    browser.post(f"{path}/restore")
    assert seen(browser, "/").all("a", href=path)
    early = browser.post(f"{path}/remove")
    assert early.status_code == 409
    browser.post(f"{path}/trash")
    assert browser.post(f"{path}/remove").headers["location"] == "/trash"
    assert browser.get(path).status_code == 404


def test_a_protected_file_asks_for_its_password(
    server: Server, ada: Person, browser: httpx2.Client, note: Path
) -> None:
    sent = ada.client.upload(note)
    assert sent.task is not None
    change(
        server,
        sent.task.task_id,
        status="failure",
        error_category="permanent",
        error_code="encrypted",
        error_message="It needs a password.",
    )
    page = seen(browser, f"/items/{sent.item_id}")
    path = f"/files/{sent.attachment.id}/password"
    (form,) = page.all("form", action=path)
    assert form.attributes["method"] == "post"
    assert seen(browser, "/").all("a", href=f"/items/{sent.item_id}#password")
    told = browser.post(path, data={"password": "open sesame & more"})
    none = browser.post(path, data={"password": ""})

    assert told.status_code == 303
    assert told.headers["location"].startswith("/tasks/")
    assert none.status_code == 422
    assert "sesame" not in browser.get(told.headers["location"]).text


def test_a_form_of_another_site_does_nothing(
    ada: Person, browser: httpx2.Client, note: Path
) -> None:
    task = ada.client.upload(note).task
    assert task is not None
    answer = browser.post(
        f"/tasks/{task.task_id}/cancel", headers={"Origin": "http://localhost:1"}
    )

    assert answer.status_code == 403
    kept_to_the_rules(answer)
    assert ada.client.status(task.task_id).status == "queued"


def test_what_goes_wrong_with_an_upload_is_a_page_too(
    browser: httpx2.Client,
) -> None:
    answer = browser.post("/upload", files={"other": ("a.txt", b"1")})

    assert answer.status_code == 422
    assert "send one file" in kept_to_the_rules(answer).text


@pytest.mark.parametrize("path", ["/items/x", f"/items/{NOWHERE}", f"/tasks/{NOWHERE}"])
def test_an_address_that_leads_to_nothing_says_so(
    browser: httpx2.Client, path: str
) -> None:
    answer = browser.get(path)

    assert answer.status_code == 404
    assert "There is nothing here" in kept_to_the_rules(answer).text


def test_every_page_and_form_with_an_id_keeps_owners_apart(
    ben: Person, browser: httpx2.Client, note: Path
) -> None:
    """A new route joins by itself."""
    theirs = ben.client.upload(note)
    assert theirs.task is not None
    ids = {
        "{item_id}": str(theirs.item_id),
        "{task_id}": str(theirs.task.task_id),
        "{file_id}": str(theirs.attachment.id),
    }
    tried = 0
    routes = [
        route
        for one in (endpoints, activity, actions, house_actions)
        for route in one.router.routes
    ]
    for route in routes:
        path = str(getattr(route, "path", ""))
        for name, value in ids.items():
            path = path.replace(name, value)
        if path == getattr(route, "path", "") or "/assets/" in path:
            continue
        for method in getattr(route, "methods", set()):
            answer = browser.request(method, path)
            assert answer.status_code == 404, (method, path)
            tried += 1
    assert tried >= 6
    for path in ("/", "/tasks"):
        assert str(theirs.task.task_id) not in browser.get(path).text
    assert ben.client.status(theirs.task.task_id).status == "queued"


def test_without_a_session_every_page_tells_how_to_sign_in(server: Server) -> None:
    with server.http(None) as http:
        for path in ("/", "/tasks", f"/items/{NOWHERE}?page=3"):
            answer = http.get(path)
            assert answer.status_code == 401
            page = kept_to_the_rules(answer)
            assert "./prsnl open" in page.text
            assert "./prsnl link" in page.text
    assert page.all("form", action=f"/sign-in?next=%2Fitems%2F{NOWHERE}%3Fpage%3D3")


def test_a_pasted_key_signs_in_and_leads_to_what_was_asked_for(
    server: Server, ada: Person, note: Path
) -> None:
    item = ada.client.upload(note).item_id
    key = ada.http.headers["Authorization"].removeprefix("Bearer ")
    with httpx2.Client(
        base_url=server.url, headers={"Origin": server.url}, trust_env=False
    ) as page:
        wrong = page.post("/sign-in", data={"key": "prsnl_wrong"})
        assert wrong.status_code == 401
        assert "not known here" in kept_to_the_rules(wrong).text
        right = page.post(f"/sign-in?next=/items/{item}", data={"key": f" {key} "})
        assert right.headers["location"] == f"/items/{item}"
        assert "HttpOnly" in right.headers["set-cookie"]
        assert page.get(f"/items/{item}").status_code == 200
        assert page.post("/sign-out").status_code == 303
        assert page.get("/").status_code == 401


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "x"]
)
def test_signing_in_leads_to_no_other_site(
    server: Server, ada: Person, elsewhere: str
) -> None:
    key = ada.http.headers["Authorization"].removeprefix("Bearer ")
    with httpx2.Client(
        base_url=server.url, headers={"Origin": server.url}, trust_env=False
    ) as page:
        answer = page.post("/sign-in", params={"next": elsewhere}, data={"key": key})

    assert answer.headers["location"] == "/"


def test_another_sites_form_signs_nobody_in(server: Server, ada: Person) -> None:
    key = ada.http.headers["Authorization"].removeprefix("Bearer ")
    with server.http(None) as http:
        answer = http.post("/sign-in", data={"key": key})

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_assets_may_be_kept_for_good(
    browser: httpx2.Client,
) -> None:
    page = seen(browser, "/")
    for address in page.loads():
        if address.startswith("/assets/"):
            answer = browser.get(address)
            assert answer.status_code == 200, address
            assert "immutable" in answer.headers["cache-control"]
    assert browser.get("/assets/x/../api.py").status_code == 404


def test_a_database_that_is_away_is_a_page_that_says_so(wiring: Wiring) -> None:
    away = wiring.database_url.rpartition("/")[0] + "/not_there"
    with (
        api_over(replace(wiring, database_url=away)) as server,
        server.http("prsnl_any") as http,
    ):
        answer = http.get("/")

    assert answer.status_code == 503
    assert "The database does not answer" in kept_to_the_rules(answer).text
