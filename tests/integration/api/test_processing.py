"""Files processed over HTTP: their passwords, and their pages run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from prsnl.core.errors import ConflictError
from prsnl.embedded.stack import StackUrls
from prsnl.work import secrets
from prsnl.work.ledger import TaskView
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes.encrypted_pdf import PASSWORD, encrypted_pdf
from tests.integration.api.conftest import Person, Server, api_over
from tests.integration.file_processing.test_documents import Desk, working


@dataclass(frozen=True)
class Office:
    """An API and a worker on one wiring, in a folder of their own."""

    server: Server
    desk: Desk
    person: Person
    folder: Path

    def upload(self, content: bytes) -> UUID:
        """Keep a file."""
        path = self.folder / "sent.pdf"
        path.write_bytes(content)
        sent = self.person.client.upload(path, process=False)
        path.unlink()
        return sent.attachment.id

    def process(self, file_id: UUID, password: str | None) -> TaskView:
        """Submit a file by HTTP, and do its task here."""
        accepted = self.person.client.process_document(file_id, password=password)
        self.desk.runner.execute(accepted.task_id)
        return self.desk.task(accepted.task_id, self.person.owner)

    def finds(self, text: str) -> list[str]:
        """Where a text stands: in rows, and in files."""
        needle = text.encode()
        found = [
            str(path)
            for path in self.folder.rglob("*")
            if path.is_file() and needle in path.read_bytes()
        ]
        with self.desk.database.connection() as connection:
            tables = connection.execute(
                "select table_name as name from information_schema.tables "
                "where table_schema = 'public' and table_type = 'BASE TABLE'"
            ).fetchall()
            for table in tables:
                rows = connection.execute(
                    f'select row_to_json(t)::text as row from "{table["name"]}" t'
                ).fetchall()
                hexed = needle.hex()
                if any(text in row["row"] or hexed in row["row"] for row in rows):
                    found.append(table["name"])
        return found

    def halves(self) -> int:
        """How many halves of passwords are kept in rows."""
        with self.desk.database.connection() as connection:
            row = connection.execute(
                "select count(sealed) as n from task_secrets"
            ).fetchone()
        assert row is not None
        return int(row["n"])


@pytest.fixture(scope="module")
def office_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("office")


@pytest.fixture(scope="module")
def parts(stack: StackUrls, office_folder: Path) -> Iterator[tuple[Server, Desk]]:
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), office_folder / "data")
        with api_over(wiring) as server:
            for desk in working(wiring):
                yield server, desk


@pytest.fixture
def office(
    parts: tuple[Server, Desk], office_folder: Path, people: Callable[[Server], Person]
) -> Office:
    server, desk = parts
    return Office(server, desk, people(server), office_folder)


def test_a_password_opens_a_file_and_is_nowhere_afterwards(
    office: Office, capfd: pytest.CaptureFixture[str]
) -> None:
    password = f"correct horse {uuid4().hex}"
    file_id = office.upload(encrypted_pdf(password))
    accepted = office.person.client.process_document(file_id, password=password)
    assert office.halves() == 1
    assert office.finds(password) == [], "while it waits"

    office.desk.runner.execute(accepted.task_id)

    task = office.desk.task(accepted.task_id, office.person.owner)
    assert task.status == "success", task.error
    assert office.person.client.text(file_id) == "Secret text"
    assert office.halves() == 0
    assert office.finds(password) == []
    told = capfd.readouterr()
    assert password not in told.out + told.err
    assert office.finds("Secret text"), "what is there is found"


def test_without_a_password_the_error_says_how_to_give_one(office: Office) -> None:
    task = office.process(office.upload(encrypted_pdf("a secret")), None)

    assert (task.status, task.attempt) == ("failure", 1)
    assert task.error is not None
    assert task.error["code"] == "encrypted"
    assert "--password-file" in task.error["message"]


def test_a_wrong_password_is_told_and_forgotten(office: Office) -> None:
    wrong = f"wrong {uuid4().hex}"

    task = office.process(office.upload(encrypted_pdf("right one")), wrong)

    assert task.error is not None
    assert task.error["code"] == "encrypted"
    assert "does not open" in task.error["message"]
    assert office.halves() == 0
    assert office.finds(wrong) == []


def test_a_cancelled_task_forgets_its_password(office: Office) -> None:
    file_id = office.upload(encrypted_pdf("never used"))
    accepted = office.person.client.process_document(file_id, password="never used")

    office.person.client.cancel(accepted.task_id)

    assert office.halves() == 0


def test_the_other_halves_are_swept_away(office: Office) -> None:
    office.process(office.upload(encrypted_pdf("swept")), "swept")
    blobs = list(office.folder.rglob("blobs/*/*"))

    with office.desk.database.connection() as connection:
        swept = secrets.sweep(connection, office.desk.wiring.storage)

    assert swept >= 1
    assert len(list(office.folder.rglob("blobs/*/*"))) == len(blobs) - swept
    with office.desk.database.connection() as connection:
        assert secrets.sweep(connection, office.desk.wiring.storage) == 0


def test_a_file_that_only_its_owner_may_change_just_opens(office: Office) -> None:
    task = office.process(office.upload(encrypted_pdf("", owner="boss")), None)

    assert task.status == "success", task.error


def test_a_refused_request_does_not_repeat_the_password(office: Office) -> None:
    secret = "p" * 200
    answer = office.person.http.post(
        "/api/background/files/process-document",
        json={"file_id": str(uuid4()), "options": {"password": secret}},
    )

    assert answer.status_code == 422
    assert secret not in answer.text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"stage": "dreams", "pages": [1]}, "stage"),
        ({"stage": "pages"}, "name the pages"),
        ({"stage": "pages", "pages": [1], "from": 1}, "either"),
        ({"stage": "pages", "pages": [4]}, "pages 1 to 1"),
        ({"stage": "pages", "pages": [0]}, "pages 1 to 1"),
        ({"stage": "pages", "from": 1, "to": 9}, "pages 1 to 1"),
        ({"stage": "pages", "from": 2, "to": 1}, "pages 1 to 1"),
        ({"stage": "cleaning", "pages": [1]}, "all pages together"),
    ],
)
def test_pages_that_make_no_sense_are_refused(
    office: Office, body: dict[str, object], says: str
) -> None:
    file_id = office.upload(encrypted_pdf("", owner=uuid4().hex))
    office.process(file_id, None)

    answer = office.person.http.post(f"/api/attachments/{file_id}/rerun", json=body)

    # Pages that a file lacks are not found; what a schema can tell is a wrong request.
    assert answer.status_code == (404 if says.startswith("pages 1") else 422)
    assert says in answer.text


def test_pages_are_run_again_one_task_at_a_time(office: Office) -> None:
    file_id = office.upload(encrypted_pdf("", owner=uuid4().hex))
    office.process(file_id, None)
    client = office.person.client

    accepted = client.rerun(file_id, "pages", [1])
    with pytest.raises(ConflictError, match="wait until it has ended"):
        client.rerun(file_id, "pages", [1])
    office.desk.runner.execute(accepted.task_id)

    task = office.desk.task(accepted.task_id, office.person.owner)
    assert task.status == "success", task.error
    assert [page.run for page in client.pages(file_id)] == [1]
    client.rerun(file_id, "cleaning")


def test_the_same_key_is_the_same_rerun(office: Office) -> None:
    file_id = office.upload(encrypted_pdf("", owner=uuid4().hex))
    office.process(file_id, None)
    told = [
        office.person.http.post(
            f"/api/attachments/{file_id}/rerun",
            json={"stage": "pages", "from": 1},
            headers={"Idempotency-Key": "once"},
        ).json()["task_id"]
        for _ in range(2)
    ]

    assert told[0] == told[1]


def test_a_protected_page_is_run_again_with_its_password(office: Office) -> None:
    file_id = office.upload(encrypted_pdf(PASSWORD))
    office.process(file_id, PASSWORD)

    answer = office.person.http.post(
        f"/api/attachments/{file_id}/rerun",
        json={"stage": "pages", "pages": [1], "options": {"password": PASSWORD}},
    )
    office.desk.runner.execute(UUID(answer.json()["task_id"]))

    task = office.desk.task(UUID(answer.json()["task_id"]), office.person.owner)
    assert task.status == "success", task.error
    assert office.halves() == 0
