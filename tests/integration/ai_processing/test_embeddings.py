"""Vectors of texts: each text is sent once, and found for as long as it is needed."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pytest

from prsnl.ai_processing.embedding import Embedder
from prsnl.ai_processing.embedding_batch import BatchEmbedder
from prsnl.ai_processing.embedding_specs import EMBED_TEXTS, EmbedTexts, TextToEmbed
from prsnl.ai_processing.tasks import TASKS
from prsnl.core.db import Database
from prsnl.core.storage import FolderStorage
from prsnl.items import task_vectors
from prsnl.work import ledger
from prsnl.work.beat import Beat
from prsnl.work.ledger import TaskView
from prsnl.work.run import Services
from prsnl.work.runner import Runner
from prsnl.work.submit import submission, submit
from prsnl.work.workers import WorkerIdentity
from tests.fakes.embedder import CountingEmbedder


class Killed(BaseException):
    """The process is gone: nothing of ours sees it coming."""


@dataclass
class Desk:
    """Where texts are embedded at once, by a model of the test's own."""

    database: Database
    storage: FolderStorage
    model: CountingEmbedder = field(default_factory=CountingEmbedder)

    def submit(self, command: EmbedTexts, owner: str = "ada") -> UUID:
        with self.database.transaction() as connection:
            wanted = submission(EMBED_TEXTS, command, owner=owner)
            return submit(connection, [wanted])[0].task_id

    def execute(self, task_id: UUID, owner: str = "ada") -> TaskView:
        """Do a task as a new process would."""
        worker = WorkerIdentity(kind="worker", slots=1)
        embedder = Embedder(self.database, usual=self.model, private=self.model)
        beat = Beat(self.database, worker, timedelta(seconds=60), lambda: None)
        with beat.beating():
            Runner(
                database=self.database,
                storage=self.storage,
                catalogue=TASKS,
                services=Services({BatchEmbedder: BatchEmbedder(embedder)}),
                beat=beat,
                rang=lambda: None,
                told=lambda: None,
                waits_scale=0.01,
                provider_probe=timedelta(seconds=1),
            ).execute(task_id)
        with self.database.connection() as connection:
            return ledger.task(connection, task_id, owner=owner)

    def embed(
        self, texts: list[str], *, cache_prefix: str = "", owner: str = "ada"
    ) -> TaskView:
        command = EmbedTexts(items=named(texts), cache_prefix=cache_prefix)
        return self.execute(self.submit(command, owner), owner)

    def vectors(self, task: TaskView, owner: str = "ada") -> dict[str, list[float]]:
        with self.database.connection() as connection:
            rows = task_vectors.page(
                connection, task.task_id, owner=owner, names=None, after=0, limit=10_000
            )
        return {row["name"]: json.loads(row["embedding"]) for row in rows}

    def count(self) -> int:
        with self.database.connection() as connection:
            row = connection.execute("select count(*) as n from embeddings").fetchone()
        assert row is not None
        return int(row["n"])


def named(texts: list[str]) -> tuple[TextToEmbed, ...]:
    return tuple(
        TextToEmbed(id=f"text {number}", content=text, type="note")
        for number, text in enumerate(texts)
    )


def with_duplicates(count: int = 1000) -> list[str]:
    """Texts of which two in five have occurred before."""
    return [f"Sentence {n if n < count * 3 // 5 else n % 100}." for n in range(count)]


@pytest.fixture
def desk(database: Database, storage: FolderStorage) -> Desk:
    return Desk(database, storage)


def told(task: TaskView, *names: str) -> tuple[int, ...]:
    assert task.status == "success", task.error
    assert task.result is not None
    return tuple(task.result[name] for name in names)


COUNTS = ("texts", "unique", "cached", "embedded", "batches")


def test_a_thousand_texts_of_which_two_in_five_are_double_cost_six_hundred(
    desk: Desk,
) -> None:
    texts = with_duplicates()

    first = desk.embed(texts)
    sent = len(desk.model.texts)
    again = desk.embed(texts)

    assert told(first, *COUNTS) == (1000, 600, 0, 600, 10)
    assert (sent, len(set(desk.model.texts))) == (600, 600)
    assert max(map(len, desk.model.given)) == 64
    assert told(again, *COUNTS) == (1000, 600, 600, 0, 0)
    assert len(desk.model.texts) == 600
    found = desk.vectors(again)
    assert len(found) == 1000
    assert struct.pack("<8f", *found["text 42"]) == desk.model.vector(texts[42])


def test_a_crash_in_the_middle_sends_at_most_one_batch_again(desk: Desk) -> None:
    """The fourth answer never reaches the database: three batches are kept."""
    task_id = desk.submit(EmbedTexts(items=named(with_duplicates())))

    def die(number: int) -> None:
        if number == 4:
            raise Killed

    desk.model.before = die
    with pytest.raises(Killed):
        desk.execute(task_id)
    with desk.database.connection() as connection:
        connection.execute("update tasks set status = 'queued', due_at = now()")
    desk.model.before = lambda _number: None
    task = desk.execute(task_id)

    assert told(task, *COUNTS) == (1000, 600, 0, 600, 10)
    assert len(desk.model.given) == 11
    assert desk.model.given[3] == desk.model.given[4]
    assert len(desk.vectors(task)) == 1000


def test_a_prefix_shares_with_itself_and_with_nothing_else(desk: Desk) -> None:
    texts = ["One.", "Two."]
    desk.embed(texts)

    letters = desk.embed(texts, cache_prefix="letters")
    again = desk.embed(texts, cache_prefix="letters")
    others = desk.embed(texts, cache_prefix="bills")

    assert [told(task, "embedded")[0] for task in (letters, again, others)] == [2, 0, 2]


def test_no_owner_gains_by_what_another_has_embedded(desk: Desk) -> None:
    desk.embed(["The secret plan."])

    other = desk.embed(["The secret plan."], owner="bob")

    assert told(other, "cached", "embedded") == (0, 1)


def test_another_model_or_size_embeds_anew_beside_the_old(desk: Desk) -> None:
    old = desk.embed(["One."])
    desk.model = CountingEmbedder(
        name=replace(desk.model.name, dimensions=4), dimensions=4
    )

    new = desk.embed(["One."])

    assert told(new, "embedded", "dimensions") == (1, 4)
    assert len(desk.vectors(old)["text 0"]) == 8
    assert len(desk.vectors(new)["text 0"]) == 4


def test_a_vector_that_goes_while_others_are_made_is_made_again(desk: Desk) -> None:
    """Else the task would end well, without a vector for one of its texts."""
    desk.embed(["One."])

    def forget(number: int) -> None:
        if number == 2:
            with desk.database.connection() as connection:
                connection.execute("delete from embeddings")

    desk.model.before = forget
    task = desk.embed(["One.", "Two."])

    assert told(task, "texts", "embedded") == (2, 2)
    assert len(desk.vectors(task)) == 2
