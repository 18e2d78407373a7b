"""The load of a run: counters, parents, questions to a model, files and recordings.

Everything is made from the seed and a number, and submitted under a key: the same
again after a lost answer is one task, or one item.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final, Protocol, TypeAlias
from uuid import UUID

from prsnl.ai_processing.embedding_specs import EMBED_TEXTS, EmbedTexts, TextToEmbed
from prsnl.ai_processing.prompt_specs import (
    PROCESS_WITH_LLM,
    ProcessWithLlm,
    PromptType,
)
from prsnl.ai_processing.specs import ANALYZE_CONTENT, AnalyzeContent
from prsnl.core.db import LOST, Database, Db
from prsnl.core.errors import DiskFullError, UnavailableError
from prsnl.core.incoming import Incoming
from prsnl.core.storage import FolderStorage, Spooled, Storage
from prsnl.library.intake import Wish, take_in
from prsnl.library.note_intake import take_note
from prsnl.proving.papers import Paper, paper, recording, sentences
from prsnl.proving.scene import Scene
from prsnl.proving.specs import COUNT, SPREAD, Count, Spread
from prsnl.wire.library import NewNote
from prsnl.work.ring import Channel
from prsnl.work.submit import Submission, submission, submit

_OWNERS: Final = ("ada", "ben", "cy")
#: Of twenty counting tasks one is a parent.
_PARENTS: Final = 0.05
#: Enough to hit some.
_IN_CHILDREN: Final = 0.15
_TEXTS: Final = 3

#: Makes a task of the load, under an idempotency key.
Job: TypeAlias = Callable[[Random, str], Submission]


@dataclass(frozen=True)
class Mix:
    """What the load is made of: parts of all, the rest are counters."""

    papers: float = 0.0
    recordings: float = 0.0
    questions: float = 0.0


#: Counters alone.
NO_MIX: Final = Mix()
REAL: Final = Mix(papers=0.04, recordings=0.01, questions=0.04)


@dataclass(frozen=True)
class PutIn:
    """A paper, and where it was kept."""

    paper: Paper
    owner: str
    item_id: UUID
    attachment_id: UUID


class Loading(Protocol):
    """What keeps a running stack at work."""

    ids: list[UUID]

    def top_up(self, scene: Scene, backlog: int) -> None:
        """Keep so many unfinished tasks; while nobody takes them, nothing."""


@dataclass
class Load:
    """Submits, and keeps books of what was put in."""

    seed: int
    job: Job
    mix: Mix
    database: Database
    storage: Storage
    ids: list[UUID] = field(default_factory=list)
    put_in: list[PutIn] = field(default_factory=list)
    #: The numbers of what could not be submitted yet.
    waiting: list[int] = field(default_factory=list)
    next_number: int = 1

    def top_up(self, scene: Scene, backlog: int) -> None:
        """Keep so many unfinished tasks; while the database is away, nothing."""
        try:
            row = scene.connection.execute(
                "select count(*) as n from tasks "
                "where status in ('queued', 'running', 'waiting') and parent_id is null"
            ).fetchone()
            assert row is not None
            self._submit(scene.connection, max(0, backlog - row["n"]))
        except LOST:
            scene.reconnect()

    def finish(self, scene: Scene) -> None:
        """Submit what still waits for it."""
        scene.again(lambda connection: self._submit(connection, 0))

    def _submit(self, connection: Db, wanted: int) -> None:
        self.waiting += range(self.next_number, self.next_number + wanted)
        self.next_number += wanted
        of_papers = [n for n in self.waiting if self._random(n).random() < self._kept]
        jobs = [n for n in self.waiting if n not in set(of_papers)]
        if jobs:
            told = submit(connection, [self._job(number) for number in jobs])
            self.ids += [one.task_id for one in told]
            self.waiting = of_papers
        for number in of_papers:
            with suppress(DiskFullError, UnavailableError):
                self._put(number)
                self.waiting.remove(number)
        if jobs or of_papers:
            connection.execute(f"notify {Channel.DUE}")

    @property
    def _kept(self) -> float:
        return self.mix.papers + self.mix.recordings

    def _random(self, number: int) -> Random:
        return Random(f"{self.seed}/{number}")  # noqa: S311 - repeated by its seed

    def _job(self, number: int) -> Submission:
        random = self._random(number)
        key = f"{self.seed}/{number}"
        if random.random() < self._kept + self.mix.questions and self.mix.questions:
            return _question(random, key)
        return self.job(random, key)

    def _put(self, number: int) -> None:
        random = self._random(number)
        mark, owner = f"{self.seed}-{number}", _OWNERS[number % len(_OWNERS)]
        is_recording = random.random() < self.mix.recordings
        made = recording(random, mark) if is_recording else paper(random, mark)
        put = self._note if made.is_note else self._upload
        task_id, kept = put(made, owner, f"paper {mark}")
        self.ids.append(task_id)
        self.put_in.append(kept)

    def _note(self, made: Paper, owner: str, key: str) -> tuple[UUID, PutIn]:
        kept = take_note(
            self.database,
            self.storage,
            NewNote(text=made.content.decode(), title=made.name.removesuffix(".md")),
            owner=owner,
            idempotency_key=key,
        )
        assert kept.task is not None
        item = kept.item
        return kept.task.task_id, PutIn(made, owner, item.id, item.attachments[0].id)

    def _upload(self, made: Paper, owner: str, key: str) -> tuple[UUID, PutIn]:
        wish = Wish(process=True, again=False, local_only=False, idempotency_key=key)
        with self.storage.incoming() as path:
            try:
                path.write_bytes(made.content)
            except OSError as error:
                raise DiskFullError("The small disk is full.") from error
            name = hashlib.sha256(made.content).hexdigest()
            spooled = Spooled(path, len(made.content), name)
            kept = take_in(
                self.database,
                self.storage,
                Incoming(made.name, spooled),
                wish,
                owner=owner,
            )
        assert kept.task is not None
        file = kept.attachment
        return kept.task.task_id, PutIn(made, owner, file.item_id, file.id)


@contextmanager
def open_load(scene: Scene, *, seed: int, job: Job, mix: Mix) -> Iterator[Load]:
    """A load for a running stack; it does not wait for a database that is away."""
    storage = FolderStorage(scene.data_dir / "storage")
    with Database.open(
        scene.urls.database_url, size=2, name="prove", patience_s=0.5
    ) as database:
        yield Load(seed, job, mix, database, storage)


def mixed_job(random: Random, key: str) -> Submission:
    """Counting tasks of several shapes, one in twenty a parent."""
    owner = random.choice(_OWNERS)
    if random.random() < _PARENTS:
        command = Spread(children=5, at_once=2, child=Count(stages=2, work_ms=10))
        return submission(SPREAD, command, owner=owner, idempotency_key=key)
    return submission(
        COUNT,
        Count(
            stages=3,
            units=random.choice([1, 1, 2]),
            work_ms=random.choice([1, 10, 100]),
            in_child=random.random() < _IN_CHILDREN,
        ),
        owner=owner,
        idempotency_key=key,
    )


def _question(random: Random, key: str) -> Submission:
    """Half ask the provider; a quarter analyses too, a quarter embeds."""
    owner = random.choice(_OWNERS)
    told = sentences(random, key.replace("/", "-"), 5)
    kind = random.choice(["ask", "ask", "analyze", "embed"])
    if kind == "ask":
        asked = ProcessWithLlm(content=" ".join(told), prompt_type=PromptType.SUMMARIZE)
        return submission(PROCESS_WITH_LLM, asked, owner=owner, idempotency_key=key)
    if kind == "analyze":
        looked = AnalyzeContent(content=" ".join(told))
        return submission(ANALYZE_CONTENT, looked, owner=owner, idempotency_key=key)
    texts = [
        TextToEmbed(id=str(number), content=text)
        for number, text in enumerate(told[:_TEXTS])
    ]
    embedded = EmbedTexts(items=tuple(texts), cache_prefix=key)
    return submission(EMBED_TEXTS, embedded, owner=owner, idempotency_key=key)
