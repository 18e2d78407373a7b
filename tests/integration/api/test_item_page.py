"""An item's page: what it shows of each kind of file, and what a person does there."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest

from prsnl.core.db import Db
from prsnl.core.errors import NotFoundError
from prsnl.engines.contracts import Entity, EntityKind, FileType, TextAnalysis
from prsnl.engines.media.contract import Chapter
from prsnl.items import media_store, store
from prsnl.items.media_store import KeyFrame
from prsnl.wire.files import Uploaded
from tests.fakes import transcripts
from tests.fakes.pdf_files import pdf_file, text_lines
from tests.integration.api.conftest import Person, Server
from tests.integration.api.test_pages import browser, change, read_as, seen

__all__ = ["browser"]


@pytest.fixture
def paper(server: Server, ada: Person, tmp_path: Path) -> Uploaded:
    """A PDF of two pages that was read."""
    path = tmp_path / "paper.pdf"
    path.write_bytes(
        pdf_file(text_lines(f"One {uuid4()}"), text_lines("Two: the kettles boiled"))
    )
    kept = ada.client.upload(path)
    read_as(server, kept, pages=["One of them", "Two: the kettles boiled"])
    assert kept.task is not None
    change(server, kept.task.task_id, status="success")
    return kept


@pytest.fixture
def talk(server: Server, ada: Person, tmp_path: Path) -> Uploaded:
    """A film in which somebody says something, with a chapter and a frame."""
    path = tmp_path / "talk.mp4"
    path.write_bytes(f"no film, {uuid4()}, but a thousand bytes ".encode() * 20)
    kept = ada.client.upload(path, process=False)
    file = kept.attachment.id

    def save(connection: Db) -> None:
        kind = FileType(
            mime_type="video/mp4", kind="mp4", description="A film", confidence=1
        )
        store.save_type(connection, file, kind)
        connection.execute(
            "update attachments set media = %s where id = %s",
            [
                '{"video": {"width": 640, "height": 360}, "duration_s": 90}',
                file,
            ],
        )
        transcripts.keep(connection, file, "the kettle <b>boils</b>")
        chapter = Chapter(start_s=0, end_s=90, title="On kettles")
        media_store.save_chapters(connection, file, [chapter], "speech")
        blob = server.wiring.storage.put_bytes(uuid4().bytes)
        frame = KeyFrame(
            time_s=12.5, start_s=10, end_s=20, width=64, height=36, blob=blob
        )
        media_store.save_frames(connection, file, [frame])

    server.database.run(save)
    return kept


def test_a_page_stands_beside_its_picture(
    paper: Uploaded, browser: httpx2.Client
) -> None:
    page = seen(browser, f"/items/{paper.item_id}?page=2&q=kettle#page-2")

    pictures = [one.attributes["src"] for one in page.all("img")]
    assert f"/api/attachments/{paper.attachment.id}/pages/2.jpg?width=800" in pictures
    assert "<mark>kettles</mark>" in page.source
    assert "Nothing left this machine." in page.text


def test_a_page_is_drawn_when_somebody_looks_and_kept_by_the_browser_alone(
    server: Server, ada: Person, ben: Person, paper: Uploaded
) -> None:
    path = f"/api/attachments/{paper.attachment.id}/pages/2.jpg"
    before = stored(server)

    drawn = ada.http.get(path, params={"width": 200})

    assert drawn.status_code == 200, drawn.text
    assert drawn.content.startswith(b"\xff\xd8")
    assert drawn.headers["cache-control"] == "private, no-cache"
    tag = {"If-None-Match": drawn.headers["etag"]}
    assert ada.http.get(path, params={"width": 200}, headers=tag).status_code == 304
    assert ben.http.get(path, params={"width": 200}, headers=tag).status_code == 404
    assert ada.client.page_picture(paper.attachment.id, 1).startswith(b"\xff\xd8")
    with pytest.raises(NotFoundError, match="no picture of page 3"):
        ada.client.page_picture(paper.attachment.id, 3)
    assert stored(server) == before


def stored(server: Server) -> list[str]:
    """The names of all that is stored."""
    storage = server.wiring.storage
    return [name for part in range(256) for name in storage.names(part)]


def test_what_has_no_pages_has_no_pictures(ada: Person, note: Path) -> None:
    kept = ada.client.upload(note, process=False)

    with pytest.raises(NotFoundError, match="no pages to show"):
        ada.client.page_picture(kept.attachment.id, 1)


def test_a_player_gets_the_part_that_it_jumps_to(ada: Person, talk: Uploaded) -> None:
    path = f"/api/attachments/{talk.attachment.id}/content"
    whole = ada.http.get(path)
    size = talk.attachment.size_bytes

    part = ada.http.get(path, headers={"Range": "bytes=9-12"})
    other = {"Range": "bytes=9-12", "If-Range": '"of another file"'}

    assert whole.headers["accept-ranges"] == "bytes"
    assert (part.status_code, part.content) == (206, whole.content[9:13])
    assert part.headers["content-range"] == f"bytes 9-12/{size}"
    assert part.headers["x-content-type-options"] == "nosniff"
    assert ada.http.get(path, headers=other).content == whole.content


def test_a_recording_has_its_words_its_parts_and_its_pictures(
    talk: Uploaded, browser: httpx2.Client
) -> None:
    page = seen(browser, f"/items/{talk.item_id}?at=12.5&q=kettle")

    (video,) = page.all("video")
    source = f"/api/attachments/{talk.attachment.id}/content#t=12.5"
    assert video.attributes["src"] == source
    assert "<mark>kettle</mark>" in page.source
    assert "<b>boils" not in page.source
    assert "the kettle <b>boils</b>" in page.text
    assert "On kettles" in page.text
    times = [one.attributes.get("data-at") for one in page.all("a")]
    assert "12.5" in times
    assert "media-src 'self'" in browser.get("/").headers["content-security-policy"]


def test_what_a_person_sets_is_set_and_nothing_else(
    ada: Person, paper: Uploaded, browser: httpx2.Client
) -> None:
    before = ada.client.item(paper.item_id)
    answer = browser.post(
        f"/items/{paper.item_id}/change",
        data={
            "title": before.title,
            "tags": "flat, Graz,, flat",
            "document_date": "2024-05-12",
            "language": "de",
        },
    )

    assert answer.status_code == 303
    item = ada.client.item(paper.item_id)
    assert item.tags == ["flat", "Graz"]
    assert str(item.document_date) == "2024-05-12"
    assert item.user_fields == ["document_date", "tags"]
    assert not item.local_only


def test_a_guess_is_confirmed_by_a_press(
    server: Server, ada: Person, paper: Uploaded, browser: httpx2.Client
) -> None:
    guess = ada.http.get("/api/taxonomy").json()["categories"][0]["name"]
    server.database.run(
        lambda connection: connection.execute(
            "update items set category = %s, category_source = 'suggested', "
            "category_confidence = 0.7, category_reason = 'It says rent.' "
            "where id = %s",
            [guess, paper.item_id],
        )
    )
    page = seen(browser, f"/items/{paper.item_id}")
    assert "70 % sure" in page.text
    browser.post(
        f"/items/{paper.item_id}/change",
        data={"category": guess, "is_confirmed": "1"},
    )

    assert ada.client.item(paper.item_id).category_source == "user"
    assert "That is right" not in seen(browser, f"/items/{paper.item_id}").text


def test_a_wrong_day_is_told_as_a_page(paper: Uploaded, browser: httpx2.Client) -> None:
    answer = browser.post(
        f"/items/{paper.item_id}/change", data={"document_date": "soon"}
    )

    assert answer.status_code == 422
    assert "document_date: give a day as YYYY-MM-DD." in answer.text


def test_an_item_is_put_on_a_list_and_taken_from_it(
    paper: Uploaded, browser: httpx2.Client
) -> None:
    browser.post(f"/items/{paper.item_id}/lists", data={"name": "To read & keep"})

    assert "To read & keep" in seen(browser, f"/items/{paper.item_id}").text
    listed = seen(browser, "/search?list=To+read+%26+keep")
    assert f"/items/{paper.item_id}" in listed.source
    browser.post(f"/items/{paper.item_id}/unlist", data={"name": "To read & keep"})
    assert (
        "Nothing is on this list."
        in seen(browser, "/search?list=To+read+%26+keep").text
    )


def test_some_pages_and_a_span_are_done_again(
    ada: Person, paper: Uploaded, talk: Uploaded, browser: httpx2.Client
) -> None:
    for file, form, name in (
        (paper, {"stage": "pages", "pages": "1-2"}, "process_document_task"),
        (
            talk,
            {"stage": "transcribe", "from": "0:00", "to": "0:01"},
            "transcribe_audio_task",
        ),
    ):
        answer = browser.post(f"/files/{file.attachment.id}/rerun", data=form)
        assert answer.status_code == 303, answer.text
        task, *_ = ada.client.tasks()
        assert (task.name, task.attachment_id) == (name, file.attachment.id)
    refused = browser.post(
        f"/files/{talk.attachment.id}/rerun",
        data={"stage": "transcribe", "from": "soon"},
    )
    assert "soon is no time" in refused.text


def test_a_note_is_written_once_however_often_it_is_sent(
    ada: Person, browser: httpx2.Client
) -> None:
    form = {"text": f"A note\r\nabout {uuid4()}", "title": "", "key": str(uuid4())}
    answers = [browser.post("/notes", data=form) for _ in range(2)]

    first, second = (answer.headers["location"] for answer in answers)
    assert first == second
    item = ada.client.item(UUID(first.rsplit("/", 1)[-1]))
    assert ada.client._http.get(
        f"/api/attachments/{item.attachments[0].id}/content"
    ).text == form["text"].replace("\r\n", "\n")
    assert browser.post("/notes", data={"text": " \n"}).status_code == 422


def test_a_search_is_kept_found_again_and_forgotten(browser: httpx2.Client) -> None:
    form = {"name": "Rents", "q": "rent", "kind": "pdf", "from": "2024-01-01"}
    answer = browser.post("/searches", data=form)

    assert answer.status_code == 303
    assert "q=rent" in answer.headers["location"]
    kept = seen(browser, "/search")
    assert "Rents" in kept.text
    assert "from=2024-01-01" in kept.source
    seen(browser, answer.headers["location"])
    browser.post("/searches/forget", data={"name": "Rents"})
    assert "Rents" not in seen(browser, "/search").text


def test_what_a_tag_is_on_is_listed_without_a_query(
    paper: Uploaded, browser: httpx2.Client
) -> None:
    assert f"/items/{paper.item_id}" in seen(browser, "/search?tag=lease").source
    assert (
        "Nothing that you keep is such."
        in seen(browser, "/search?tag=lease&kind=docx").text
    )


def test_what_a_person_says_of_names_outlives_the_next_analysis(
    server: Server, ada: Person, paper: Uploaded, browser: httpx2.Client
) -> None:
    analysis = TextAnalysis(
        engine="fake",
        language="en",
        title="Names",
        title_source="heading",
        entities=tuple(
            Entity(
                kind=EntityKind.NAME_CANDIDATE,
                text=text,
                page=1,
                start=0,
                end=len(text),
            )
            for text in ("Jane Miller", "Some <Thing>", "Graz")
        ),
        word_count=3,
    )

    def analysed(connection: Db) -> None:
        store.save_analysis(connection, paper.attachment.id, analysis)

    server.database.run(analysed)
    assert "Perhaps names" in seen(browser, f"/items/{paper.item_id}").text
    answer = browser.post(
        f"/items/{paper.item_id}/names",
        data={
            "name:Jane Miller": "person",
            "name:Some <Thing>": "none",
            "name:Graz": "",
        },
    )
    assert answer.status_code == 303, answer.text
    server.database.run(analysed)

    found = ada.client.item(paper.item_id).entities
    assert [(one["text"], one["kind"]) for one in found] == [
        ("Jane Miller", "person"),
        ("Graz", "candidate"),
    ]
    assert "People" in seen(browser, f"/items/{paper.item_id}").text
