"""Uploads over a real socket: kept once, bounded, and never half."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from prsnl.core.errors import (
    ConflictError,
    DiskFullError,
    QuotaError,
    TooLargeError,
)
from prsnl.wiring import Wiring
from prsnl.work import caps
from prsnl.work.caps import EACH_OWNER, Caps
from prsnl.work.specs import Status
from tests.integration.api.conftest import Person, Server, api_over, limited

People = Callable[[Server], Person]
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
FILE_PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


def form_of(path: Path) -> dict[str, tuple[str, bytes]]:
    return {"file": (path.name, path.read_bytes())}


def end_as(server: Server, task_id: UUID, status: Status) -> None:
    """Let a task have ended."""
    server.database.run(
        lambda connection: connection.execute(
            "update tasks set status = %s, finished_at = now() where id = %s",
            [str(status), task_id],
        )
    )


def incoming(wiring: Wiring) -> list[Path]:
    return list((wiring.storage.root / "incoming").iterdir())


def test_an_upload_is_kept_and_its_task_queued(
    server: Server, ada: Person, note: Path
) -> None:
    answer = ada.http.post(
        "/api/attachments", files={"file": (note.name, note.read_bytes())}
    )

    assert answer.status_code == 202
    told = answer.json()
    assert told["attachment"]["file_name"] == "note.txt"
    assert told["attachment"]["size_bytes"] == note.stat().st_size
    assert told["task"]["status"] == "queued"
    assert told["task"]["name"] == "process_document_task"
    assert told["task"]["attachment_id"] == told["attachment"]["id"]
    assert told["duplicate_of"] is None
    assert told["is_new_task"] is True
    name = hashlib.sha256(note.read_bytes()).hexdigest()
    with server.wiring.storage.open(name) as kept:
        assert kept.read() == note.read_bytes()


def test_the_same_bytes_again_are_the_same_file_and_task(
    ada: Person, note: Path
) -> None:
    first = ada.client.upload(note)
    again = ada.http.post(
        "/api/attachments", files={"file": (note.name, note.read_bytes())}
    )

    assert again.status_code == 200
    assert first.task is not None
    assert again.json()["duplicate_of"] == str(first.attachment.id)
    assert again.json()["task"]["task_id"] == str(first.task.task_id)
    assert first.is_new_task
    assert again.json()["is_new_task"] is False
    assert len(ada.client.tasks()) == 1


@pytest.mark.parametrize("status", [Status.FAILURE, Status.DEAD, Status.REVOKED])
def test_the_same_bytes_are_tried_again_when_nothing_came_of_them(
    server: Server, ada: Person, note: Path, status: Status
) -> None:
    first = ada.client.upload(note)
    assert first.task is not None
    end_as(server, first.task.task_id, status)

    again = ada.client.upload(note)

    assert again.duplicate_of == first.attachment.id
    assert again.task is not None
    assert again.task.task_id != first.task.task_id
    assert again.task.status == Status.QUEUED
    assert again.is_new_task


def test_an_upload_that_is_repeated_under_its_key_knows_its_task_as_its_own(
    ada: Person, note: Path
) -> None:
    """The answer to the first one may have been lost."""
    first = ada.client.upload(note, idempotency_key="mine")
    again = ada.client.upload(note, idempotency_key="mine")
    other = ada.client.upload(note, idempotency_key="another's")

    assert first.task is not None
    assert other.task is not None
    assert again.task is not None
    assert again.task.task_id == first.task.task_id == other.task.task_id
    assert (again.is_new_task, other.is_new_task) == (True, False)


def test_again_processes_what_was_done(server: Server, ada: Person, note: Path) -> None:
    first = ada.client.upload(note)
    assert first.task is not None
    end_as(server, first.task.task_id, Status.SUCCESS)

    known = ada.client.upload(note)
    anew = ada.client.upload(note, again=True, idempotency_key="once more")
    repeated = ada.client.upload(note, again=True, idempotency_key="once more")

    assert known.task is not None
    assert anew.task is not None
    assert repeated.task is not None
    assert known.task.task_id == first.task.task_id
    assert anew.task.task_id != first.task.task_id
    assert repeated.task.task_id == anew.task.task_id
    commands = server.database.run(
        lambda connection: connection.execute(
            "select command->>'again' as again from tasks where owner = %s order by id",
            [ada.owner],
        ).fetchall()
    )
    assert [row["again"] for row in commands] == [None, "once more"]
    assert (known.is_new_task, anew.is_new_task) == (False, True)


def test_a_key_that_stands_for_another_file_is_a_conflict(
    ada: Person, note: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.txt"
    other.write_text(f"Another one, {uuid4()}.\n")
    ada.client.upload(note, idempotency_key="one")

    with pytest.raises(ConflictError):
        ada.client.upload(other, idempotency_key="one")


def test_a_file_that_is_only_kept_has_no_task_until_one_is_asked_for(
    ada: Person, note: Path
) -> None:
    kept = ada.client.upload(note, process=False)
    asked = ada.client.upload(note)

    assert kept.task is None
    assert asked.duplicate_of == kept.attachment.id
    assert asked.task is not None


def test_another_owners_same_bytes_are_a_file_of_his_own(
    ada: Person, ben: Person, note: Path
) -> None:
    """Otherwise an upload would tell whether somebody has that file."""
    first = ada.client.upload(note)
    other = ben.client.upload(note)

    assert other.duplicate_of is None
    assert other.attachment.id != first.attachment.id


def test_a_quote_or_a_line_break_in_a_name_comes_through_a_form(
    ada: Person, tmp_path: Path
) -> None:
    path = tmp_path / 'a "good"\nnote.txt'
    path.write_text(f"A note about {uuid4()}.\n")

    assert ada.client.upload(path).attachment.file_name == 'a "good" note.txt'


def test_a_name_from_the_wire_is_no_path(ada: Person) -> None:
    name = "../../etc/été\x07.txt".encode()
    body = FILE_PART.replace(b'"a"', b'"%b"' % name) + uuid4().bytes + b"\r\n--x--\r\n"
    answer = ada.http.post("/api/attachments", content=body, headers=FORM)

    assert answer.json()["attachment"]["file_name"] == "été.txt"


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b"{}", "application/json", "multipart/form-data"),
        (b"", "multipart/form-data", "multipart/form-data"),
        (b"--x--\r\n", "multipart/form-data; boundary=x", "no file"),
        (b"no form at all", "multipart/form-data; boundary=x", "well-formed"),
        (
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            "`a`",
        ),
        (
            FILE_PART + b"cut off",
            "multipart/form-data; boundary=x",
            "ended before",
        ),
        (
            FILE_PART + b"1\r\n" + FILE_PART + b"2\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
            "two files",
        ),
    ],
)
def test_a_body_that_is_no_form_with_one_file_is_refused_with_the_reason(
    server: Server, ada: Person, body: bytes, content_type: str, said: str
) -> None:
    answer = ada.http.post(
        "/api/attachments", content=body, headers={"Content-Type": content_type}
    )

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "bad_request"
    assert said in answer.json()["detail"]
    assert incoming(server.wiring) == []


def test_an_unknown_option_is_refused_by_name(ada: Person, note: Path) -> None:
    answer = ada.http.post("/api/attachments?proces=false", files=form_of(note))

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == ["proces"]


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(
    wiring: Wiring, people: People, tmp_path: Path
) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(3_000_000))
    with api_over(limited(wiring, upload_max_bytes=1_000_000)) as server:
        ada = people(server)
        with pytest.raises(TooLargeError, match=r"976\.6 KiB"):
            ada.client.upload(large)

        assert incoming(wiring) == []
        assert ada.client.tasks() == []


def test_a_stream_of_unknown_length_stops_at_the_limit(
    wiring: Wiring, people: People
) -> None:
    """A client that does not announce its length must not fill the disk."""

    def endless() -> Iterator[bytes]:
        yield FILE_PART
        for _ in range(40):
            yield bytes(100_000)
        yield b"\r\n--x--\r\n"

    with api_over(limited(wiring, upload_max_bytes=1_000_000)) as server:
        answer = people(server).http.post(
            "/api/attachments",
            content=endless(),
            headers=FORM,
        )

        assert answer.status_code == 413
        assert incoming(wiring) == []


def test_a_file_of_exactly_the_limit_is_taken(
    wiring: Wiring, people: People, tmp_path: Path
) -> None:
    file = tmp_path / "full.bin"
    file.write_bytes(bytes(100_000))
    with api_over(limited(wiring, upload_max_bytes=100_000)) as server:
        taken = people(server).client.upload(file)

    assert taken.attachment.size_bytes == 100_000


def test_a_disk_that_would_fill_takes_no_upload(
    wiring: Wiring, people: People, note: Path
) -> None:
    with (
        api_over(limited(wiring, free_disk_floor_bytes=2**60)) as server,
        pytest.raises(DiskFullError, match="PRSNL_FREE_DISK_FLOOR_BYTES"),
    ):
        people(server).client.upload(note)


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(
    wiring: Wiring, people: People
) -> None:
    with api_over(wiring) as server:
        ada = people(server)
        host, _, port = server.url.removeprefix("http://").partition(":")
        key = ada.http.headers["Authorization"]
        with socket.create_connection((host, int(port))) as line:
            line.sendall(
                b"POST /api/attachments HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Authorization: " + key.encode() + b"\r\nContent-Length: 9999999\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
                + FILE_PART
                + bytes(100_000)
            )
        assert ada.client.health().database == "ok"

    # The server has stopped: every request has ended.
    assert incoming(wiring) == []


def test_a_large_file_comes_whole_through_many_pieces(
    ada: Person, server: Server, tmp_path: Path
) -> None:
    large = tmp_path / "large.bin"
    piece = hashlib.sha256(uuid4().bytes).digest() + b"\r\n--"
    large.write_bytes(piece * 200_000)
    kept = ada.client.upload(large, process=False)

    digest = hashlib.sha256(large.read_bytes()).hexdigest()
    assert kept.attachment.sha256 == digest
    answer = ada.http.get(f"/api/attachments/{kept.attachment.id}/content")
    assert hashlib.sha256(answer.content).hexdigest() == digest
    server.wiring.storage.delete(digest)


def test_an_owner_keeps_no_more_than_the_quota(
    wiring: Wiring, people: People, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.bin", tmp_path / "second.bin"
    first.write_bytes(b"1" * 60_000)
    second.write_bytes(b"2" * 60_000)
    with api_over(limited(wiring, quota_bytes=100_000)) as server:
        ada, ben = people(server), people(server)
        ada.client.upload(first)

        with pytest.raises(QuotaError, match="PRSNL_QUOTA_BYTES"):
            ada.client.upload(second)
        answer = ada.http.post("/api/attachments", files=form_of(second))
        # What is there already takes no more, and another's room is his own.
        again = ada.client.upload(first)
        others = ben.client.upload(second, process=False)

    assert answer.status_code == 429
    assert answer.json()["code"] == "quota"
    assert again.duplicate_of is not None
    assert others.duplicate_of is None
    assert incoming(wiring) == []


def test_uploads_at_once_do_not_share_the_last_room(
    wiring: Wiring, people: People
) -> None:
    with api_over(limited(wiring, quota_bytes=100_000)) as server:
        ada = people(server)

        def send(number: int) -> int:
            body = {"file": ("a.bin", bytes([number]) * 40_000)}
            return ada.http.post("/api/attachments", files=body).status_code

        with ThreadPoolExecutor(6) as pool:
            answers = sorted(pool.map(send, range(6)))

    assert answers == [202, 202, 429, 429, 429, 429]


def test_a_body_that_is_no_upload_is_bounded(ada: Person) -> None:
    """JSON is read whole before it is looked at."""
    text = "x" * (33 << 20)

    def untold() -> Iterator[bytes]:
        yield b'{"text": "'
        yield text.encode()
        yield b'"}'

    told = ada.http.post("/api/items", json={"text": text})
    counted = ada.http.post("/api/items", content=untold())

    for answer in (told, counted):
        assert answer.status_code == 413
        assert answer.json()["code"] == "too_large"


def test_an_upload_may_be_larger_than_other_bodies(ada: Person, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(str(uuid4()).encode() + bytes(33 << 20))

    sent = ada.client.upload(path, process=False)

    assert sent.attachment.size_bytes > 33 << 20


def test_an_upload_of_what_is_in_the_trash_takes_it_out_and_says_so(
    ada: Person, note: Path
) -> None:
    first = ada.client.upload(note, process=False)
    ada.http.delete(f"/api/items/{first.item_id}")
    again = ada.http.post("/api/attachments?process=false", files=form_of(note))

    assert again.status_code == 200
    assert again.json()["restored"] is True
    assert again.json()["duplicate_of"] == str(first.attachment.id)
    assert "was in the trash, and is back" in again.json()["message"]
    assert ada.client.item(first.item_id).deleted_at is None


def test_an_upload_that_falls_silent_is_told_so_and_leaves_nothing(
    wiring: Wiring, people: People
) -> None:
    """A client that stays connected and sends no more would hold a place for ever."""
    own = wiring.settings.server.model_copy(
        update={"request_silence_s": timedelta(seconds=0.5)}
    )
    patient = replace(wiring, settings=replace(wiring.settings, server=own))
    with api_over(patient) as server:
        host, _, port = server.url.removeprefix("http://").partition(":")
        key = people(server).http.headers["Authorization"]
        with socket.create_connection((host, int(port)), timeout=60) as line:
            line.sendall(
                b"POST /api/attachments HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Authorization: " + key.encode() + b"\r\n"
                b"Transfer-Encoding: chunked\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
                b"%x\r\n%b\r\n" % (len(FILE_PART), FILE_PART)
            )
            answer = b""
            while piece := line.recv(65536):
                answer += piece

        assert answer.startswith(b"HTTP/1.1 408")
        assert b'"code":"too_slow"' in answer
        assert incoming(wiring) == []


def test_one_more_task_than_may_wait_is_a_429_that_says_when_to_come_again(
    server: Server, ada: Person, note: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.txt"
    other.write_text(f"Another one, {uuid4()}.\n")

    def put_in_force(most: int | None) -> None:
        given = Caps(queued={} if most is None else {EACH_OWNER: most})
        server.database.run(partial(caps.write, caps=given))

    put_in_force(1)
    try:
        ada.client.upload(note, idempotency_key="first")
        refused = ada.http.post("/api/attachments", files=form_of(other))
        again = ada.client.upload(note, idempotency_key="first")
    finally:
        put_in_force(None)

    assert refused.status_code == 429
    assert refused.json()["code"] == "too_many_tasks"
    assert int(refused.headers["Retry-After"]) > 0
    assert "PRSNL_OWNER_QUEUED_MAX" in refused.json()["detail"]
    assert again.task is not None
    assert len(ada.client.tasks()) == 1
