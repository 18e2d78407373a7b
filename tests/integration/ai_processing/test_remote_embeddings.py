"""Vectors by a provider: the real SDK, over real sockets, through the gate."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from pydantic import SecretStr

from prsnl.ai_processing.embedding_keeper import EmbeddingKeeper
from prsnl.ai_processing.embedding_specs import (
    EMBED_TEXTS,
    REFRESH,
    EmbedTexts,
    TextToEmbed,
)
from prsnl.core.settings.engines import Embedding
from prsnl.embedded.stack import StackUrls
from prsnl.items import egress, vectors
from prsnl.items.models import AttachmentView
from prsnl.items.vectors import Model
from prsnl.wire.search import FoundBy, SearchQuery
from prsnl.wiring.embedding import policy
from prsnl.wiring.search import searcher
from prsnl.work.ledger import TaskView
from prsnl.work.reaper import reap
from prsnl.work.submit import submission, submit
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes.llm_server import Hangs, LlmServer, Sends, Slow, llm_server, too_long
from tests.integration.file_processing.test_documents import Desk, working


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with llm_server() as made:
        yield made


@pytest.fixture(scope="module")
def local(stack: StackUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A worker with the local model."""
    with fresh_database(stack) as url:
        wiring = wired(url, fresh_broker(stack), tmp_path_factory.mktemp("data"))
        yield from working(wiring)


def by_provider(local: Desk, server: LlmServer, **more: object) -> Iterator[Desk]:
    """A worker on the same data whose settings name the server."""
    own = Embedding(
        embedding_provider="compatible",
        embedding_model="fake-embedding",
        embedding_base_url=server.base_url,
        embedding_api_key=SecretStr("secret"),
        **more,  # type: ignore[arg-type]
    )
    settings = replace(local.wiring.settings, embedding=own)
    yield from working(replace(local.wiring, settings=settings))


@pytest.fixture
def desk(local: Desk, server: LlmServer) -> Iterator[Desk]:
    yield from by_provider(local, server)


def embed(desk: Desk, texts: list[str], owner: str) -> TaskView:
    items = tuple(
        TextToEmbed(id=f"text {number}", content=text)
        for number, text in enumerate(texts)
    )
    return desk.run(submission(EMBED_TEXTS, EmbedTexts(items=items), owner=owner))


def refreshed(desk: Desk, owner: str) -> list[TaskView]:
    """Do the tasks that wait to embed an owner's passages."""
    with desk.database.connection() as connection:
        connection.execute("update tasks set due_at = now() where status = 'queued'")
        rows = connection.execute(
            "select id from tasks where owner = %s and name = %s and status = 'queued'",
            [owner, REFRESH.name],
        ).fetchall()
    for row in rows:
        desk.runner.execute(row["id"])
    return [desk.task(row["id"], owner) for row in rows]


def models(desk: Desk, owner: str) -> list[Model]:
    with desk.database.connection() as connection:
        return vectors.models_of(connection, owner=owner)


def found(desk: Desk, owner: str) -> list[UUID]:
    """The files of the passages that any query finds, over all models."""
    hits: list[UUID] = []
    with desk.database.connection() as connection:
        listed = vectors.models_of(connection, owner=owner)
        for place, model in enumerate(listed):
            query = json.dumps([1.0] * model.dimensions)
            rows = connection.execute(
                vectors.nearest(model, listed[:place]),
                {"owner": owner, "query": query, "limit": 50},
            ).fetchall()
            hits += [row["attachment_id"] for row in rows]
    return hits


def told(task: TaskView, *names: str) -> tuple[object, ...]:
    assert task.status == "success", task.error
    assert task.result is not None
    return tuple(task.result[name] for name in names)


def test_a_thousand_texts_are_six_hundred_to_the_provider_in_five_requests(
    desk: Desk, server: LlmServer
) -> None:
    texts = [f"Sentence {n if n < 600 else n % 100}." for n in range(1000)]

    first = embed(desk, texts, "thousand")
    again = embed(desk, texts, "thousand")

    assert told(first, "texts", "unique", "embedded", "batches") == (1000, 600, 600, 5)
    assert told(again, "cached", "embedded", "batches") == (600, 0, 0)
    assert sorted(server.texts_embedded) == sorted(set(texts))
    assert server.count("embeddings") == 5


def test_a_process_that_is_killed_in_the_middle_costs_one_request(
    desk: Desk, server: LlmServer, environment: dict[str, str]
) -> None:
    """Killed while the third request is answered: two are kept, and none is doubled."""
    texts = [f"Another sentence {n}." for n in range(600)]
    items = tuple(TextToEmbed(id=text, content=text) for text in texts)
    wanted = submission(EMBED_TEXTS, EmbedTexts(items=items), owner="killed")
    with desk.database.connection() as connection:
        task_id = submit(connection, [wanted])[0].task_id
    server.script(Slow(0), Slow(0), Hangs())
    own = desk.wiring.settings.embedding
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.saboteurs.one_task", str(task_id)],
        env={
            **environment,
            "PRSNL_DATABASE_URL": desk.wiring.database_url,
            "PRSNL_EMBEDDING_PROVIDER": own.embedding_provider,
            "PRSNL_EMBEDDING_MODEL": str(own.embedding_model),
            "PRSNL_EMBEDDING_BASE_URL": server.base_url,
        },
    )
    try:
        within(60, lambda: server.count("embeddings") == 3)
    finally:
        worker.kill()
        worker.wait()
    with desk.database.connection() as connection:
        connection.execute("update tasks set lease_until = now() - interval '1 day'")
        assert reap(connection) == 1

    desk.runner.execute(task_id)
    task = desk.task(task_id, "killed")

    assert told(task, "embedded", "batches") == (600, 5)
    assert server.count("embeddings") == 6
    assert len(server.texts_embedded) == 600 + 128
    assert set(server.texts_embedded) == set(texts)


def test_a_text_that_is_too_long_is_halved_and_no_other_suffers(
    desk: Desk, server: LlmServer
) -> None:
    server.script(too_long(), too_long())

    task = embed(desk, ["A long text. " * 40, "Short."], "long")

    assert told(task, "embedded", "cut") == (2, 1)
    assert [len(text) for text in server.texts_embedded] == [520, 6, 520, 260, 6]
    assert "longer than fake-embedding reads" in task.warnings[0]


def test_a_model_of_another_size_than_the_settings_say_is_told(
    local: Desk, server: LlmServer
) -> None:
    one = {"index": 0, "embedding": [0.1, 0.2, 0.3]}
    server.script(Sends(json.dumps({"data": [one]}).encode()))
    for desk in by_provider(local, server, embedding_dimensions=7):
        task = embed(desk, ["One."], "sizes")

        assert task.error is not None
        assert "vectors of 3 values, not of 7" in task.error["message"]


def within(seconds: float, is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it has not come to that"
        time.sleep(0.02)


def notes(desk: Desk, owner: str, count: int = 3) -> list[AttachmentView]:
    made = [
        desk.put(f"{n}.txt", f"{owner} wrote note {n}.".encode(), owner)
        for n in range(count)
    ]
    for file in made:
        assert desk.process(file, owner).status == "success"
    return made


def test_the_passages_of_several_files_share_a_request_and_stand_on_receipts(
    desk: Desk, server: LlmServer
) -> None:
    files = notes(desk, "several")
    assert server.count("embeddings") == 0

    (task,) = refreshed(desk, "several")

    assert told(task, "embedded", "batches") == (3, 1)
    assert server.count("embeddings") == 1
    assert sorted(found(desk, "several")) == sorted(file.id for file in files)
    with desk.database.connection() as connection:
        receipt = egress.receipt(connection, files[0].item_id, owner="several")
    (recipient,) = receipt.recipients
    assert recipient.sent_bytes == len("several wrote note 0.")


def test_tasks_and_files_of_one_owner_share_their_vectors(local: Desk) -> None:
    """In both directions; what a task has embedded is found once a file says it."""
    first = embed(local, ["shared wrote note 0."], "shared")
    assert models(local, "shared") == []

    files = notes(local, "shared", 2)
    second = embed(local, ["shared wrote note 1.", "Something else."], "shared")

    assert told(first, "embedded") == (1,)
    assert told(second, "cached", "embedded") == (1, 1)
    assert sorted(found(local, "shared")) == sorted(file.id for file in files)
    with local.database.connection() as connection:
        row = connection.execute(
            "select count(*) as n from embeddings where owner = 'shared'"
        ).fetchone()
    assert row == {"n": 3}


def test_a_query_is_embedded_by_the_model_of_the_passages_and_once(
    desk: Desk, server: LlmServer
) -> None:
    """With the provider away the words answer, and the answer says so."""
    notes(desk, "asker")
    refreshed(desk, "asker")
    settings, storage = desk.wiring.settings, desk.wiring.storage
    with searcher(settings, desk.database, storage) as engine:
        before = server.count("embeddings")
        first = engine.search(SearchQuery(q="asker wrote note"), owner="asker")
        engine.search(SearchQuery(q="asker wrote note"), owner="asker")
        asked = server.count("embeddings") - before
        server.go()
        other = engine.search(SearchQuery(q="wrote"), owner="asker")

    assert asked == 1
    assert first.only_words_because is None
    assert any(FoundBy.MEANING in hit.found_by for hit in first.hits)
    assert other.hits
    assert "does not answer now" in str(other.only_words_because)


def test_a_new_model_takes_over_once_it_has_all_and_nothing_is_lost_meanwhile(
    local: Desk, server: LlmServer
) -> None:
    """Each passage is found once: before, while half is done, and after."""
    files = sorted(file.id for file in notes(local, "switch", 4))
    assert [model.provider for model in models(local, "switch")] == ["local"]
    for desk in by_provider(local, server):
        keeper = EmbeddingKeeper(
            desk.database, policy(desk.wiring.settings), indexed_from=4
        )
        keeper.look()
        assert sorted(found(desk, "switch")) == files
        with desk.database.connection() as connection:  # half is done already
            connection.execute(
                "update chunks set number = 5000 where attachment_id = any(%s)",
                [files[:2]],
            )
            assert len(refreshed(desk, "switch")) == 1
            connection.execute("update chunks set number = 1 where number = 5000")
        assert len(models(desk, "switch")) == 2
        assert sorted(found(desk, "switch")) == files

        again = EmbeddingKeeper(desk.database, keeper.policy, indexed_from=4)
        again.look()
        assert len(models(desk, "switch")) == 2
        refreshed(desk, "switch")
        again.look()

        assert [model.name for model in models(desk, "switch")] == ["fake-embedding"]
        assert sorted(found(desk, "switch")) == files
        with desk.database.connection() as connection:
            indexes = connection.execute(
                "select indexname as name from pg_indexes "
                "where indexname like 'embeddings_near%'"
            ).fetchall()
        assert indexes


def test_what_may_not_leave_gets_the_local_models_vector(
    local: Desk, server: LlmServer
) -> None:
    """Only the other note's text is with the provider, which is in the cloud here."""
    own = Embedding(
        embedding_provider="compatible",
        embedding_model="fake-embedding",
        embedding_base_url="https://192.0.2.1/v1",
    )
    settings = replace(local.wiring.settings, embedding=own)
    for desk in working(replace(local.wiring, settings=settings)):
        (file,) = notes(desk, "private", 1)
        with desk.database.connection() as connection:
            connection.execute(
                "update items set local_only = true where id = %s", [file.item_id]
            )

        (task,) = refreshed(desk, "private")

        assert told(task, "embedded") == (1,)
        assert [model.provider for model in models(desk, "private")] == ["local"]
        assert found(desk, "private") == [file.id]
    assert server.connections == 0
