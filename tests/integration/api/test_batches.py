"""Batches and analyses of files over a real socket."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from prsnl.file_processing.specs import PROCESS_DOCUMENT, ProcessDocument
from prsnl.work.submit import submission, submit
from tests.integration.api.conftest import Person, Server

BATCH = "/api/background/files/batch"


def kept(person: Person, folder: Path, count: int) -> list[str]:
    """Files that are stored and no more."""
    ids = []
    for number in range(count):
        path = folder / f"file-{number}.txt"
        path.write_text(f"A note about {uuid4()}.")
        ids.append(str(person.client.upload(path, process=False).attachment.id))
    return ids


def tasks_of(server: Server, owner: str) -> int:
    """How many tasks an owner has."""

    def count(connection: object) -> int:
        rows = connection.execute(  # type: ignore[attr-defined]
            "select count(*) as n from tasks where owner = %s", [owner]
        ).fetchone()
        return int(rows["n"])

    return server.database.run(count)


def test_a_batch_is_accepted_as_one_task(ada: Person, tmp_path: Path) -> None:
    answer = ada.http.post(BATCH, json={"file_ids": kept(ada, tmp_path, 3)})

    assert answer.status_code == 202
    told = ada.http.get(answer.json()["monitor_url"]).json()
    assert (told["name"], told["children"]) == ("batch_process_files_task", {})


def test_a_file_of_somebody_else_is_not_there_and_nothing_is_inserted(
    server: Server, ada: Person, ben: Person, tmp_path: Path
) -> None:
    (tmp_path / "ben").mkdir()
    ids = [*kept(ada, tmp_path, 2), *kept(ben, tmp_path / "ben", 1)]
    answer = ada.http.post(BATCH, json={"file_ids": ids})
    unknown = ada.http.post(BATCH, json={"file_ids": [str(uuid4())]})

    assert (answer.status_code, unknown.status_code) == (404, 404)
    assert ids[2] in answer.json()["detail"]
    assert tasks_of(server, ada.owner) == 0


@pytest.mark.parametrize(
    "body",
    [
        {"file_ids": []},
        {"file_ids": ["no id"]},
        {},
        {"file_ids": [str(uuid4())], "max_concurrency": 0},
        {"file_ids": [str(uuid4())], "options": {"unknown": True}},
        {"file_ids": [str(uuid4())], "options": {"password": "secret"}},
        {"file_ids": [str(UUID(int=number)) for number in range(5_001)]},
    ],
)
def test_a_batch_that_makes_no_sense_is_refused(
    ada: Person, body: dict[str, object]
) -> None:
    assert ada.http.post(BATCH, json=body).status_code == 422


def test_the_parts_of_a_batch_come_in_pages_with_their_files(
    server: Server, ada: Person, ben: Person, tmp_path: Path
) -> None:
    ids = kept(ada, tmp_path, 3)
    task_id = ada.http.post(BATCH, json={"file_ids": ids}).json()["task_id"]
    wanted = [
        submission(
            PROCESS_DOCUMENT,
            ProcessDocument(file_id=UUID(one)),
            owner=ada.owner,
            parent_id=UUID(task_id),
            attachment_id=UUID(one),
        )
        for one in ids
    ]
    server.database.run(lambda connection: submit(connection, wanted))
    path = f"/api/background/tasks/{task_id}/children"
    first = ada.http.get(path, params={"limit": 2}).json()
    second = ada.http.get(path, params={"limit": 2, "before": first["next"]}).json()

    assert [one["file_name"] for one in [*first["items"], *second["items"]]] == [
        "file-2.txt",
        "file-1.txt",
        "file-0.txt",
    ]
    assert second["next"] is None
    assert ada.http.get(path, params={"status": "success"}).json()["items"] == []
    assert ada.client.status(task_id).children == {"queued": 3}
    assert ben.http.get(path).status_code == 404


def test_an_analysis_is_of_a_file_of_ones_own(
    ada: Person, ben: Person, tmp_path: Path
) -> None:
    (file_id,) = kept(ada, tmp_path, 1)
    path = "/api/background/files/analyze"

    assert ada.http.post(path, json={"file_id": file_id}).status_code == 202
    assert ben.http.post(path, json={"file_id": file_id}).status_code == 404


def test_what_was_learned_of_a_file_is_its_owners(
    ada: Person, ben: Person, tmp_path: Path
) -> None:
    (file_id,) = kept(ada, tmp_path, 1)
    path = f"/api/attachments/{file_id}/insights"
    told = ada.http.get(path).json()

    assert (told["engine"], told["insights"], told["needs"]) == (None, [], "llm")
    assert ben.http.get(path).status_code == 404
