"""Rows of vectors: which stay, which go, and how an older schema's are moved."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from uuid import UUID

import pytest

from prsnl.ai_processing.embedding_keeper import LOCK, EmbeddingKeeper
from prsnl.ai_processing.embedding_specs import REFRESH
from prsnl.core import schema
from prsnl.core.db import Database, Db, connect
from prsnl.core.storage import FolderStorage
from prsnl.engines.contracts import Chunk
from prsnl.file_processing.specs import PROCESS_DOCUMENT, ProcessDocument
from prsnl.items import editing, store, vector_upkeep, vectors
from prsnl.items.models import AttachmentView
from prsnl.items.vector_upkeep import Policy
from prsnl.items.vectors import ModelName, content_of
from prsnl.library import trash
from prsnl.work.submit import submission, submit

NAME = ModelName("local", "small")


def vector(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def put(connection: Db, *texts: str, owner: str = "ada") -> AttachmentView:
    """A file with some passages."""
    named = f"{owner} {texts}"
    file, _ = store.add_file(
        connection, store.NewFile(owner, "a.txt", 1, content_of(named).hex())
    )
    chunks = [
        Chunk(number=number, text=text, page_from=1, page_to=1, start=0, end=1)
        for number, text in enumerate(texts, start=1)
    ]
    store.save_passages(connection, file.id, chunks)
    return file


def keep(
    connection: Db,
    *texts: str,
    owner: str = "ada",
    space: str = "",
    is_passage: bool = True,
    of: tuple[float, ...] = (1.0, 0.0),
) -> int:
    """Vectors of texts, all the same; the model's id."""
    model = vectors.add_model(connection, NAME, len(of))
    vectors.keep(
        connection,
        model.id,
        {content_of(text): vector(*of) for text in texts},
        owner=owner,
        space=space,
        is_passage=is_passage,
    )
    return model.id


def left(connection: Db) -> set[tuple[str, bytes]]:
    rows = connection.execute("select owner, content from embeddings").fetchall()
    return {(row["owner"], bytes(row["content"])) for row in rows}


@pytest.fixture
def connection(database: Database) -> Iterator[Db]:
    with database.connection() as lent:
        yield lent


def empty(connection: Db, storage: FolderStorage, file: AttachmentView) -> None:
    editing.trash(connection, [file.item_id], owner="ada")
    assert trash.purge(connection, storage, [file.item_id], owner="ada")


def test_a_vector_goes_with_the_last_text_that_has_it(
    connection: Db, storage: FolderStorage
) -> None:
    first, second = put(connection, "shared", "own"), put(connection, "shared")
    put(connection, "shared", "own", owner="bob")
    keep(connection, "shared", "own")
    keep(connection, "shared", "own", owner="bob")

    empty(connection, storage, first)

    bobs = {("bob", content_of("shared")), ("bob", content_of("own"))}
    assert left(connection) == bobs | {("ada", content_of("shared"))}

    empty(connection, storage, second)

    assert left(connection) == bobs


def test_what_stands_nowhere_is_swept_and_nothing_else(connection: Db) -> None:
    put(connection, "stands")
    keep(connection, "stands", "gone", "gone too")
    keep(connection, "stands", space="letters", is_passage=False)

    assert vector_upkeep.sweep(connection, limit=10) == 3

    assert left(connection) == {("ada", content_of("stands"))}


def test_the_first_vector_stays_and_becomes_a_passages(connection: Db) -> None:
    keep(connection, "text", is_passage=False)
    model_id = keep(connection, "text", of=(0.0, 1.0))

    row = connection.execute("select * from embeddings").fetchone()

    assert row is not None
    assert (row["model_id"], row["is_passage"]) == (model_id, True)
    assert json.loads(row["embedding"]) == [1.0, 0.0]


def test_near_passages_come_first_with_an_index_and_without(connection: Db) -> None:
    """The index is of half-precision values, and the expression must be the same."""
    file = put(connection, *(f"text {number}" for number in range(40)))
    for number in range(40):
        keep(connection, f"text {number}", of=(1.0, number / 10))
    model = vectors.models_of(connection, owner="ada")[0]

    def found() -> list[int]:
        asked = {"owner": "ada", "query": "[1, 2.02]", "limit": 3}
        rows = connection.execute(vectors.nearest(model), asked).fetchall()
        assert {row["attachment_id"] for row in rows} == {file.id}
        return [row["number"] - 1 for row in rows]

    exact = found()
    assert vector_upkeep.build_index(connection, model)
    assert not vector_upkeep.build_index(connection, model)
    connection.execute("analyze")
    connection.execute("set enable_seqscan = off")
    connection.execute("set enable_sort = off")

    assert exact == [20, 21, 19]
    assert found() == exact
    plan = connection.execute(
        "explain " + vectors.nearest(model),
        {"owner": "ada", "query": "[1, 2]", "limit": 3},
    ).fetchall()
    assert vector_upkeep.index_name(model) in str(plan)
    vector_upkeep.drop_index(connection, model)


def refreshes(connection: Db) -> list[str]:
    rows = connection.execute(
        "select owner from tasks where name = %s order by owner", [REFRESH.name]
    ).fetchall()
    return [row["owner"] for row in rows]


def test_passages_that_lack_a_vector_are_looked_after_once_for_each_owner(
    database: Database, connection: Db
) -> None:
    """Not those that a task is about to embed, and no owner whose last try failed."""
    put(connection, "one", "two")
    put(connection, "three", owner="bob")
    done = put(connection, "four", owner="cleo")
    busy = put(connection, "five", owner="dan")
    keep(connection, "four", owner="cleo")
    with connection.transaction():
        command = ProcessDocument(file_id=busy.id)
        submit(
            connection,
            [submission(PROCESS_DOCUMENT, command, owner="dan", attachment_id=busy.id)],
        )
    policy = Policy(usual=NAME, private=NAME, is_here=True, passages=10)

    EmbeddingKeeper(database, policy).look()
    EmbeddingKeeper(database, policy).look()

    assert refreshes(connection) == ["ada", "bob"]
    assert done

    connection.execute(
        "update tasks set status = 'failure', finished_at = now() - case owner "
        "when 'bob' then interval '0' else interval '1 hour' end"
    )
    keeper = EmbeddingKeeper(database, policy)
    keeper._began_at -= 60
    keeper.look()

    assert refreshes(connection) == ["ada", "ada", "bob", "dan"]


def test_one_scheduler_keeps_and_the_others_leave_it(
    database: Database, connection: Db
) -> None:
    put(connection, "one")
    policy = Policy(usual=NAME, private=NAME, is_here=True, passages=10)
    connection.execute("select pg_advisory_lock(%s)", [LOCK])

    EmbeddingKeeper(database, policy).look()
    assert refreshes(connection) == []

    connection.execute("select pg_advisory_unlock(%s)", [LOCK])
    EmbeddingKeeper(database, policy).look()
    assert refreshes(connection) == ["ada"]


def test_an_older_schemas_vectors_move_and_come_back(empty_database_url: str) -> None:
    schema.migrate(empty_database_url, to="0012")
    with connect(empty_database_url) as connection:
        _older_passages(connection)
    schema.migrate(empty_database_url)
    with connect(empty_database_url) as connection:
        (model,) = vectors.models_of(connection, owner="ada")
        known = vectors.known(
            connection,
            ModelName("local", "all-MiniLM-L6-v2"),
            [content_of("Ein Kessel, heiß."), content_of("no vector")],
            owner="ada",
        )
    schema.migrate(empty_database_url, to="0012")
    with connect(empty_database_url) as connection:
        rows = connection.execute(
            "select model, embedding is null as is_none from chunks order by number"
        ).fetchall()

    assert model.dimensions == 384
    assert known.contents == {content_of("Ein Kessel, heiß."): True}
    assert [(row["model"], row["is_none"]) for row in rows] == [
        ("all-MiniLM-L6-v2", False),
        ("all-MiniLM-L6-v2", False),
        (None, True),
    ]


def _older_passages(connection: Db) -> None:
    """Two passages of one text with their vector, and one without any."""
    item, file = UUID(int=1), UUID(int=2)
    connection.execute(
        "insert into items (id, owner, title, title_source) "
        "values (%s, 'ada', 'a', 'file name')",
        [item],
    )
    connection.execute(
        "insert into attachments (id, item_id, owner, file_name, size_bytes, sha256) "
        "values (%s, %s, 'ada', 'a.txt', 1, 'a')",
        [file, item],
    )
    told = "[" + ", ".join(["0.5"] * 384) + "]"
    for number, (text, model, values) in enumerate(
        [
            ("Ein Kessel, heiß.", "all-MiniLM-L6-v2", told),
            ("Ein Kessel, heiß.", "all-MiniLM-L6-v2", told),
            ("no vector", None, None),
        ]
    ):
        connection.execute(
            "insert into chunks (attachment_id, number, item_id, owner, text, "
            "page_from, page_to, start_offset, end_offset, model, embedding) "
            "values (%s, %s, %s, 'ada', %s, 1, 1, 0, 1, %s, %s::vector)",
            [file, number, item, text, model, values],
        )
