"""Items and files as they are read."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from prsnl.core.db import Db
from prsnl.core.errors import NotFoundError
from prsnl.engines.contracts import (
    DocumentType,
    FileType,
    PageStatus,
    PageText,
    TextAnalysis,
)
from prsnl.items import learned, store
from prsnl.wire.files import Uploaded
from tests.integration.api.conftest import Person, Server

#: A name in which nothing can end it.
_FOR_SAVING = re.compile(r"attachment; filename\*=UTF-8''[\w.%~-]+")


@pytest.fixture
def lease(server: Server, ada: Person, note: Path) -> Uploaded:
    """A file of 250 pages that was read and analysed."""
    kept = ada.client.upload(note, process=False)

    def save(connection: Db) -> None:
        store.save_type(
            connection,
            kept.attachment.id,
            FileType(
                mime_type="application/pdf",
                kind="pdf",
                description="PDF document",
                confidence=1,
            ),
        )
        store.save_pages(
            connection,
            kept.attachment.id,
            [
                PageText(
                    number=number,
                    status=PageStatus.OK,
                    text=f"Page {number} of the lease.",
                    engine="fake",
                    reason="a test",
                    milliseconds=1,
                )
                for number in range(1, 251)
            ],
        )
        store.save_analysis(
            connection,
            kept.attachment.id,
            TextAnalysis(
                engine="fake",
                language="en",
                title="Lease: the flat",
                title_source="heading",
                document_date=date(2024, 5, 12),
                tags=("lease",),
                word_count=3,
            ),
        )
        learned.save_document_type(
            connection,
            kept.attachment.id,
            DocumentType(engine="fake", document_type="contract"),
        )

    server.database.run(save)
    return kept


def test_an_item_shows_what_was_learned(ada: Person, lease: Uploaded) -> None:
    item = ada.client.item(lease.item_id)

    assert item.title == "Lease: the flat"
    assert item.document_date == date(2024, 5, 12)
    assert item.attachments[0].document_type == "contract"


def test_the_pages_of_a_file_come_in_pages(ada: Person, lease: Uploaded) -> None:
    path = f"/api/attachments/{lease.attachment.id}/pages"
    first = ada.http.get(path, params={"limit": 200}).json()

    assert len(first["items"]) == 200
    assert first["next"] == "200"
    numbers = [page.number for page in ada.client.pages(lease.attachment.id)]
    assert numbers == list(range(1, 251))


def test_text_is_plain_and_markdown_has_marks(ada: Person, lease: Uploaded) -> None:
    text = ada.client.text(lease.attachment.id)
    markdown = ada.client.markdown(lease.attachment.id)

    assert text.startswith("Page 1 of the lease.\n\nPage 2")
    assert markdown.startswith('---\ntitle: "Lease: the flat"\n')
    assert "<!-- page 250 -->\n\nPage 250 of the lease." in markdown


def test_a_file_is_given_for_saving_and_never_shown_as_a_page(
    ada: Person, lease: Uploaded, note: Path
) -> None:
    answer = ada.http.get(f"/api/attachments/{lease.attachment.id}/content")

    assert answer.content == note.read_bytes()
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", "<script>top.location='https://evil.example'</script>"),
        ("picture.svg", "<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>"),
        ("script.js", "fetch('/api/keys')"),
        ('a"; filename="other.html', "<script>x()</script>"),
        ("two\r\nlines.html", "<script>x()</script>"),
    ],
)
def test_a_page_that_was_uploaded_is_never_a_page_of_ours(
    server: Server, ada: Person, name: str, content: str
) -> None:
    """It would run as this server: with the cookie of whoever opens it."""
    form = {"file": (name, f"{content} {uuid4()}".encode(), "text/html")}
    sent = ada.http.post("/api/attachments?process=false", files=form).json()
    file_id = UUID(sent["attachment"]["id"])
    path = f"/api/attachments/{file_id}/content"
    page = FileType(
        mime_type="text/html", kind="html", description="A page", confidence=1
    )

    unread = ada.http.get(path)
    server.database.run(lambda connection: store.save_type(connection, file_id, page))

    for answer in (unread, ada.http.get(path)):
        told = answer.headers
        assert answer.text.startswith(content)
        assert _FOR_SAVING.fullmatch(told["content-disposition"])
        assert told["content-security-policy"] == "sandbox"
        assert told["x-content-type-options"] == "nosniff"
        assert told["x-frame-options"] == "DENY"
        assert told["cross-origin-resource-policy"] == "same-origin"


def test_a_file_without_a_picture_says_so(ada: Person, lease: Uploaded) -> None:
    path = f"/api/attachments/{lease.attachment.id}/thumbnail.jpg"

    assert ada.http.get(path).json()["code"] == "not_found"


def test_a_picture_is_given_as_it_was_kept(
    server: Server, ada: Person, lease: Uploaded
) -> None:
    name = server.wiring.storage.put_bytes(b"picture")
    server.database.run(
        lambda connection: store.save_thumbnail(connection, lease.attachment.id, name)
    )
    answer = ada.http.get(f"/api/attachments/{lease.attachment.id}/thumbnail.jpg")

    assert answer.content == b"picture"
    assert answer.headers["content-type"] == "image/jpeg"


def test_the_list_of_items_is_the_callers_own_in_pages(
    ada: Person, ben: Person, tmp_path: Path
) -> None:
    names = []
    for number in range(3):
        path = tmp_path / f"{number}.txt"
        path.write_text(str(uuid4()))
        names.append(ada.client.upload(path, process=False).item_id)
    ben.client.upload(path, process=False)
    first = ada.http.get("/api/items?limit=2").json()
    rest = ada.http.get(f"/api/items?limit=2&before={first['next']}").json()

    seen = [item["id"] for item in first["items"] + rest["items"]]
    assert seen == [str(name) for name in reversed(names)]
    assert rest["next"] is None


def test_another_owners_files_are_not_there(ben: Person, lease: Uploaded) -> None:
    with pytest.raises(NotFoundError):
        ben.client.item(lease.item_id)
    for part in ("", "/content", "/text", "/markdown", "/pages", "/thumbnail.jpg"):
        answer = ben.http.get(f"/api/attachments/{lease.attachment.id}{part}")
        assert answer.status_code == 404, part
