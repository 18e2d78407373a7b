"""Items as a person keeps them: notes, changes, tags, lists, many at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from prsnl.core.db import Db
from prsnl.engines.contracts import DocumentType, TextAnalysis
from prsnl.items import egress, learned, store
from prsnl.wiring import Wiring
from tests.integration.api.conftest import Person, Server, api_over, limited


def kept(person: Person, **wanted: Any) -> dict[str, Any]:
    """A new note's item."""
    body = {"text": f"A note {uuid4()}.", "process": False, **wanted}
    answer = person.http.post("/api/items", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["item"])


def analysed(server: Server, item: dict[str, Any]) -> None:
    """Let an analysis have found something else."""
    analysis = TextAnalysis(
        engine="fake",
        language="de",
        title="Found by the engine",
        title_source="heading",
        document_date=date(2001, 1, 1),
        tags=("found",),
        word_count=3,
    )
    file_id = UUID(item["attachments"][0]["id"])
    told = DocumentType(engine="fake", document_type="letter")

    def save(connection: Db) -> None:
        store.save_analysis(connection, file_id, analysis)
        learned.save_document_type(connection, file_id, told)

    server.database.run(save)


def titles(person: Person, query: str) -> list[str]:
    answer = person.http.get(f"/api/items?{query}")
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


def test_a_note_is_an_item_with_a_file_and_a_task(ada: Person) -> None:
    answer = ada.http.post(
        "/api/items", json={"title": "Boiler", "text": "Serviced.", "tags": ["home"]}
    )

    assert answer.status_code == 201
    told = answer.json()
    assert told["item"]["title"] == "Boiler"
    assert told["item"]["tags"] == ["home"]
    assert told["task"]["name"] == "process_document_task"
    file = told["item"]["attachments"][0]
    assert ada.http.get(f"/api/attachments/{file['id']}/content").text == "Serviced."


def test_two_notes_may_say_the_same_and_one_key_is_one_note(ada: Person) -> None:
    body = {"text": "Call the plumber."}
    first, second = (ada.http.post("/api/items", json=body).json() for _ in range(2))
    keyed = {"Idempotency-Key": "a click"}
    third, fourth = (
        ada.http.post("/api/items", json=body, headers=keyed) for _ in range(2)
    )
    other = ada.http.post("/api/items", json={"text": "Else."}, headers=keyed)

    assert first["item"]["id"] != second["item"]["id"]
    assert (third.status_code, fourth.status_code) == (201, 200)
    assert third.json()["item"]["id"] == fourth.json()["item"]["id"]
    assert third.json()["task"]["task_id"] == fourth.json()["task"]["task_id"]
    assert other.status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "   "},
        {"text": "a\0b"},
        {"text": "a", "tags": [" "]},
        {"text": "a", "colour": "red"},
    ],
)
def test_a_note_that_is_none_is_refused(ada: Person, body: dict[str, Any]) -> None:
    assert ada.http.post("/api/items", json=body).status_code == 422


def test_a_note_takes_of_the_owners_room(
    wiring: Wiring, people: Callable[[Server], Person]
) -> None:
    with api_over(limited(wiring, quota_bytes=1000)) as server:
        ada = people(server)
        kept(ada, text="x" * 900)
        answer = ada.http.post("/api/items", json={"text": "y" * 900})

    assert answer.status_code == 429
    assert answer.json()["code"] == "quota"


def test_half_of_a_character_is_refused(ada: Person) -> None:
    answer = ada.http.post(
        "/api/items",
        content=b'{"text": "a\\ud800"}',
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 422


def test_what_a_person_sets_no_analysis_overwrites(server: Server, ada: Person) -> None:
    item = kept(ada)
    changes = {
        "title": "Mine",
        "tags": ["b", "a", "b"],
        "document_date": "2024-05-12",
        "document_type": "receipt",
    }
    changed = ada.http.patch(f"/api/items/{item['id']}", json=changes).json()
    analysed(server, item)
    now = ada.http.get(f"/api/items/{item['id']}").json()

    for told in (changed, now):
        assert told["title"] == "Mine"
        assert told["title_source"] == "user"
        assert told["tags"] == ["b", "a"]
        assert told["document_date"] == "2024-05-12"
        assert told["attachments"][0]["document_type"] == "receipt"
    assert now["user_fields"] == ["document_date", "document_type", "tags", "title"]
    assert now["language"] == "de", "what was not set is found"


def test_a_date_that_a_person_took_away_stays_away(server: Server, ada: Person) -> None:
    item = kept(ada)
    ada.http.patch(f"/api/items/{item['id']}", json={"document_date": None})
    analysed(server, item)

    assert ada.http.get(f"/api/items/{item['id']}").json()["document_date"] is None


@pytest.mark.parametrize(
    "changes", [{}, {"title": ""}, {"title": None}, {"tags": None}, {"owner": "x"}]
)
def test_a_change_that_is_none_is_refused(ada: Person, changes: dict[str, Any]) -> None:
    path = f"/api/items/{kept(ada)['id']}"

    assert ada.http.patch(path, json=changes).status_code == 422


def test_lists_are_narrowed_by_what_items_are(server: Server, ada: Person) -> None:
    kept(ada, title="Lease 100%", tags=["home", "paper"], document_date="2024-05-12")
    kept(ada, title="Lease 1000", tags=["home"], document_date="2023-01-01")
    analysed(server, kept(ada, title="Letter"))

    assert titles(ada, "tag=home&tag=paper") == ["Lease 100%"]
    assert titles(ada, "title=0%25") == ["Lease 100%"]
    assert titles(ada, "title=LEASE&sort=oldest") == ["Lease 100%", "Lease 1000"]
    assert titles(ada, "dated_from=2023-01-01&dated_to=2023-12-31") == ["Lease 1000"]
    assert titles(ada, "language=de") == ["Letter"]
    assert titles(ada, "document_type=letter&status=pending") == ["Letter"]
    assert titles(ada, "status=completed&status=failed") == []
    assert titles(ada, "added_to=2020-01-01T00:00:00Z") == []
    assert len(titles(ada, "added_from=2020-01-01T00:00:00Z")) == 3


@pytest.mark.parametrize(
    "query",
    ["colour=red", "sort=size", "limit=0", "title=%00", "dated_from=1", "added_to=0.5"],
)
def test_a_filter_that_nobody_knows_is_refused(ada: Person, query: str) -> None:
    assert ada.http.get(f"/api/items?{query}").status_code == 422


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("newest", ["c", "a", "b"]),
        ("oldest", ["b", "a", "c"]),
        ("title", ["a", "b", "c"]),
        ("document_date", ["a", "c", "b"]),
        ("updated", ["b", "c", "a"]),
    ],
)
def test_each_order_goes_on_where_the_page_before_ended(
    ada: Person, sort: str, expected: list[str]
) -> None:
    first = kept(ada, title="b")
    kept(ada, title="a", document_date="2024-02-02")
    kept(ada, title="c", document_date="2024-01-01")
    ada.http.patch(f"/api/items/{first['id']}", json={"tags": ["changed"]})
    seen, query = [], f"sort={sort}&limit=1"
    for _ in range(4):
        page = ada.http.get(f"/api/items?{query}").json()
        seen += [item["title"] for item in page["items"]]
        if page["next"] is None:
            break
        query = f"sort={sort}&limit=1&before={page['next']}"

    assert seen == expected


@pytest.mark.parametrize("cursor", ["x", "W10=", "WyJhIiwgImIiXQ==", "%00"])
@pytest.mark.parametrize("sort", ["newest", "title", "document_date", "updated"])
def test_a_cursor_that_is_none_is_refused(ada: Person, sort: str, cursor: str) -> None:
    answer = ada.http.get(f"/api/items?sort={sort}&before={cursor}")

    assert answer.status_code == 404
    assert "before" in answer.json()["detail"]


def test_tags_are_counted_renamed_joined_and_deleted(ada: Person, ben: Person) -> None:
    kept(ada, title="1", tags=["a/b", "x"])
    kept(ada, title="2", tags=["a/b"])
    kept(ben, tags=["x"])

    def told() -> dict[str, int]:
        found = ada.http.get("/api/tags").json()["items"]
        return {tag["name"]: tag["items"] for tag in found}

    assert told() == {"a/b": 2, "x": 1}
    assert ada.http.patch("/api/tags/a%2Fb", json={"name": "x"}).json() == {
        "name": "x",
        "items": 2,
    }
    assert told() == {"x": 2}
    assert sorted(titles(ada, "tag=x")) == ["1", "2"]
    assert ada.http.delete("/api/tags/x").json() == {"name": None, "items": 2}
    assert told() == {}
    assert ada.http.delete("/api/tags/x").status_code == 404
    assert ben.http.get("/api/tags").json()["items"] == [{"name": "x", "items": 1}]


def test_tags_come_in_pages(ada: Person) -> None:
    kept(ada, tags=["c", "a", "b"])
    first = ada.http.get("/api/tags?limit=2").json()
    rest = ada.http.get(f"/api/tags?limit=2&after={first['next']}").json()

    assert [tag["name"] for tag in first["items"] + rest["items"]] == ["a", "b", "c"]
    assert rest["next"] is None


def test_an_item_goes_to_the_trash_and_comes_back(ada: Person) -> None:
    item = kept(ada, title="Here")
    gone = ada.http.delete(f"/api/items/{item['id']}").json()

    assert gone["deleted_at"] is not None
    assert titles(ada, "") == []
    assert titles(ada, "trashed=true") == ["Here"]
    assert ada.http.get(f"/api/items/{item['id']}").json()["deleted_at"] is not None
    back = ada.http.post(f"/api/items/{item['id']}/restore").json()
    assert back["deleted_at"] is None
    assert titles(ada, "") == ["Here"]


def test_only_what_is_in_the_trash_is_removed_for_good(ada: Person) -> None:
    item = kept(ada)
    early = ada.http.delete(f"/api/trash/{item['id']}")
    ada.http.delete(f"/api/items/{item['id']}")
    done = ada.http.delete(f"/api/trash/{item['id']}")

    assert early.status_code == 409
    assert "move it there first" in early.json()["detail"]
    assert done.json() == {"deleted": 1, "left": 0}
    assert ada.http.get(f"/api/items/{item['id']}").status_code == 404
    assert ada.http.delete(f"/api/trash/{item['id']}").status_code == 404


def test_many_items_are_a_task_and_its_key_stands_for_it(ada: Person) -> None:
    wanted = {"action": "trash", "ids": [kept(ada)["id"]]}
    keyed = {"Idempotency-Key": "once"}
    first, second = (
        ada.http.post("/api/items/bulk", json=wanted, headers=keyed) for _ in range(2)
    )
    third = ada.http.post("/api/items/bulk", json=wanted)

    assert first.status_code == 202
    assert first.json()["task_id"] == second.json()["task_id"]
    assert third.json()["task_id"] != first.json()["task_id"]
    status = ada.http.get(first.json()["monitor_url"]).json()
    assert (status["name"], status["status"]) == ("bulk_items_task", "queued")


@pytest.mark.parametrize(
    "wanted",
    [
        {"action": "trash"},
        {"action": "trash", "ids": []},
        {"action": "trash", "ids": [str(uuid4())], "filter": {}},
        {"action": "tag", "ids": [str(uuid4())]},
        {"action": "trash", "ids": [str(uuid4())], "tag": "x"},
        {"action": "explode", "ids": [str(uuid4())]},
        {"action": "trash", "ids": [str(uuid4()) for _ in range(501)]},
    ],
)
def test_a_bulk_request_that_is_none_is_refused(
    ada: Person, wanted: dict[str, Any]
) -> None:
    assert ada.http.post("/api/items/bulk", json=wanted).status_code == 422


def test_a_receipt_begins_with_what_a_person_wants_to_know(
    server: Server, ada: Person
) -> None:
    item = kept(ada)
    path = f"/api/items/{item['id']}/egress"
    assert ada.http.get(path).json()["sentence"] == "Nothing left this machine."

    def send(connection: Db) -> None:
        for host, reach in (("127.0.0.1", "local"), ("api.example.com", "cloud")):
            egress.note(
                connection,
                egress.Sent(
                    item_id=UUID(item["id"]),
                    attachment_id=None,
                    task_id=uuid4(),
                    claim_no=1,
                    stage="summarize",
                    unit=0,
                    host=host,
                    reach=egress.Reach(reach),
                    sent_bytes=700,
                ),
            )

    server.database.run(send)
    told = ada.http.get(path).json()

    assert told["sentence"] == (
        "Parts of this item left this machine: 700 bytes to api.example.com (cloud) "
        "for summarize."
    )
    assert (told["has_left"], told["sent_bytes"]) == (True, 700)
    assert [one["reach"] for one in told["recipients"]] == ["local", "cloud"]


def test_another_owners_item_is_not_there(ada: Person, ben: Person) -> None:
    path = f"/api/items/{kept(ada)['id']}"

    for answer in (
        ben.http.get(path),
        ben.http.patch(path, json={"title": "Mine"}),
        ben.http.delete(path),
        ben.http.post(f"{path}/restore"),
        ben.http.get(f"{path}/egress"),
        ben.http.delete(path.replace("items", "trash")),
    ):
        assert answer.status_code == 404, answer.request.method
    assert ada.http.get(path).json()["deleted_at"] is None
