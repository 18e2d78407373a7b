"""Vectors of texts: one that has one is not embedded again."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, Protocol, TypeAlias
from uuid import UUID

from pydantic import Field

from prsnl.ai_processing.embedding_specs import REFRESH, Refresh
from prsnl.core.db import Database, Db
from prsnl.core.errors import ChildCrashedError
from prsnl.engines.contracts import Embeddings, Value
from prsnl.engines.embedding.contract import (
    MINILM,
    MINILM_DIMENSIONS,
    MINILM_TOKENS,
    Embedded,
    Limits,
    batches,
)
from prsnl.engines.sandbox.conversation import Child
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.items import vectors
from prsnl.items.vectors import Known, ModelName, content_of
from prsnl.work.run import TaskRun
from prsnl.work.sandboxed import child_of
from prsnl.work.stages import Stage
from prsnl.work.submit import submission, submit

#: So long passages of several files wait for each other.
_GATHERS: Final = timedelta(seconds=3)
LOCAL: Final = ModelName("local", MINILM, MINILM_DIMENSIONS)
LOCAL_LIMITS: Final = Limits(
    text_tokens=MINILM_TOKENS, batch_texts=64, batch_tokens=8192
)


class EmbeddedBatch(Value):
    """What was embedded at once; its vectors stand in rows of their own."""

    #: Counted from 1.
    number: int
    #: Texts that the engine was given; the others had their vector already.
    texts: int
    tokens: int
    #: Texts of which only the beginning was read.
    cut: int
    model_id: int
    #: Hash of a text -> its vector; no part of the checkpoint.
    vectors: Mapping[bytes, bytes] = Field(default_factory=dict, exclude=True)


class HandedOver(Value):
    """The passages are left to a task of their own."""


HAND_OVER: Final = Stage(
    name="hand over",
    version=1,
    result=HandedOver,
    title="Having its passages embedded",
)
EMBED: Final = Stage(
    name="embed",
    version=2,
    result=EmbeddedBatch,
    title="Embedding passages",
    counts_units=False,
)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Texts that are embedded at once, and whose they are.

    Attributes:
        stage: The name of the stage.
        number: Counted from 1 within its stage.
        texts: In the order of the vectors that are wanted.
        item_bytes: How many bytes are of which item, for the receipts.
    """

    stage: str
    number: int
    texts: Sequence[str]
    item_bytes: Mapping[UUID, int] = field(default_factory=dict)

    @property
    def contents(self) -> list[bytes]:
        """The hashes of the texts."""
        return [content_of(text) for text in self.texts]


Ask: TypeAlias = Callable[[Batch], Embedded]


class TextEmbedder(Protocol):
    """One model, as a task may use it."""

    @property
    def name(self) -> ModelName:
        """Which model."""

    @property
    def limits(self) -> Limits:
        """How much it takes at once."""

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, so that nothing leaves."""

    @property
    def is_asked_over_network(self) -> bool:
        """Whether an answer is waited for: a worker of files does not do that."""

    def opened(self, run: TaskRun) -> AbstractContextManager[Ask]:
        """What gives the vectors of batches that keep the limits, for the block.

        Raises:
            PrsnlError: They could not be made; its category says what follows.
        """


@dataclass(frozen=True)
class LocalEmbedder:
    """MiniLM in a sandbox child, which is held from the first batch to the last."""

    sandbox: SandboxPool
    unit_timeout_s: float
    name: ModelName = LOCAL
    limits: Limits = LOCAL_LIMITS
    is_here: bool = True
    is_asked_over_network: bool = False

    @contextmanager
    def opened(self, run: TaskRun) -> Iterator[Ask]:
        """What gives the vectors; the child is taken when it is asked first."""
        with ExitStack() as stack:
            children: list[Child] = []

            def ask(batch: Batch) -> Embedded:
                if not children:
                    child = child_of(run, self.sandbox, "text")
                    children.append(stack.enter_context(child))
                return self._embed(children[0], batch.texts, run.room)

            yield ask

    def _embed(self, child: Child, texts: Sequence[str], room: int) -> Embedded:
        frames = child.stream(
            "embedding.embed",
            {"texts": list(texts)},
            unit_timeout_s=self.unit_timeout_s * room,
        )
        parts = [Embeddings.model_validate(frame) for frame in frames]
        if not parts or sum(part.count for part in parts) != len(texts):
            raise ChildCrashedError(
                "The embedding engine gave another number of vectors than texts."
            )
        return Embedded(
            dimensions=parts[0].dimensions,
            vectors=[vector for part in parts for vector in _vectors(part)],
            tokens=sum(part.tokens for part in parts),
            cut=sum(part.cut for part in parts),
        )


def _vectors(part: Embeddings) -> list[bytes]:
    data = base64.b64decode(part.data)
    size = part.dimensions * vectors.FLOAT_BYTES
    return [data[start : start + size] for start in range(0, len(data), size)]


#: No row has it: of a batch whose texts were deleted before any was embedded.
_NO_MODEL: Final = 0
#: Of a batch whose texts are all known.
NOTHING: Final = Embedded(dimensions=0, vectors=(), tokens=0)


@dataclass(frozen=True)
class Embedder:
    """Embeds what has no vector yet, and keeps it for the owner's next text alike."""

    database: Database
    #: The model of the settings.
    usual: TextEmbedder
    #: For what may not leave this machine.
    private: TextEmbedder
    _models: dict[tuple[ModelName, int], int] = field(default_factory=dict)

    def engine(self, run: TaskRun) -> TextEmbedder:
        """The model that may be used for a task."""
        if self.usual.is_here or not run.local_only:
            return self.usual
        return self.private

    def known(
        self,
        run: TaskRun,
        name: ModelName,
        contents: Sequence[bytes],
        space: str = vectors.COMMON,
    ) -> Known:
        """Which texts of a task's owner have a vector already."""
        return self.database.run(
            lambda connection: vectors.known(
                connection, name, contents, owner=run.owner, space=space
            )
        )

    def made(
        self,
        run: TaskRun,
        engine: TextEmbedder,
        wanted: Iterable[Batch],
        look: Callable[[Batch], Known],
    ) -> Iterator[tuple[int, EmbeddedBatch]]:
        """Embed one batch after another; of each what *look* does not know."""
        with engine.opened(run) as ask:
            for batch in wanted:
                known = look(batch)
                texts = _missing(batch, known)
                answer = NOTHING
                if texts:
                    answer = ask(replace(batch, texts=list(texts.values())))
                made = EmbeddedBatch(
                    number=batch.number,
                    texts=len(texts),
                    tokens=answer.tokens,
                    cut=answer.cut,
                    model_id=self._model_id(engine.name, answer, known),
                    vectors=dict(zip(texts, answer.vectors, strict=True)),
                )
                yield batch.number, made

    def _model_id(self, name: ModelName, answer: Embedded, known: Known) -> int:
        """The row of the model that answered; rows of models stay for good."""
        if answer is NOTHING:
            return known.model.id if known.model else _NO_MODEL
        key = (name, answer.dimensions)
        if key not in self._models:
            self._models[key] = self.database.run(
                lambda connection: vectors.add_model(connection, *key)
            ).id
        return self._models[key]

    def embed_passages(
        self, run: TaskRun, texts: Sequence[str], *, inputs: Sequence[bytes]
    ) -> None:
        """Give the passages of a file their vectors, one batch after another."""
        engine = self.engine(run)
        if engine.is_asked_over_network:
            self._hand_over(run, inputs)
            return
        by_number = {
            number: Batch(
                stage=EMBED.name,
                number=number,
                texts=[texts[place] for place in places],
            )
            for number, places in enumerate(batches(texts, engine.limits), start=1)
        }
        known = self.known(run, engine.name, [content_of(text) for text in texts])

        def save(connection: Db, made: Mapping[int, EmbeddedBatch]) -> None:
            for number, batch in made.items():
                keep_passages(connection, run, batch, by_number[number], known)

        def is_whole(kept: EmbeddedBatch) -> bool:
            batch = by_number.get(kept.number)
            return batch is not None and known.contents.keys() >= set(batch.contents)

        run.units(
            EMBED,
            units=list(by_number),
            inputs=inputs,
            parameters={"model": vars(engine.name)},
            work=lambda wanted: self.made(
                run, engine, [by_number[number] for number in wanted], lambda _: known
            ),
            store=save,
            is_whole=is_whole,
            at_once=1,
        )

    def _hand_over(self, run: TaskRun, inputs: Sequence[bytes]) -> None:
        """Leave the passages to a task of their own, with those of other files."""
        run.stage(
            HAND_OVER,
            inputs=inputs,
            work=HandedOver,
            store=lambda connection, _: want_vectors(connection, owner=run.owner),
        )


def keep_passages(
    connection: Db, run: TaskRun, made: EmbeddedBatch, batch: Batch, known: Known
) -> None:
    """Keep the vectors of a batch of passages, so that search finds them."""
    vectors.keep(
        connection, made.model_id, made.vectors, owner=run.owner, is_passage=True
    )
    if new := known.unmarked(batch.contents):
        vectors.mark_passages(connection, made.model_id, new, owner=run.owner)


def shares(texts: Iterable[tuple[str, Sequence[UUID]]]) -> dict[UUID, int]:
    """How many bytes of each item leave with some texts; of each those that have it."""
    sent: dict[UUID, int] = {}
    for text, item_ids in texts:
        for item_id in item_ids:
            sent[item_id] = sent.get(item_id, 0) + len(text.encode())
    return sent


def _missing(batch: Batch, known: Known) -> dict[bytes, str]:
    """Texts of a batch without a vector, each once, by the hash."""
    texts = {content_of(text): text for text in batch.texts}
    return {key: text for key, text in texts.items() if key not in known.contents}


def want_vectors(connection: Db, *, owner: str) -> None:
    """Have an owner's passages without a vector embedded soon, many files' at once.

    One task that waits looks after all; it is kept from beginning until this
    transaction is over, so that it sees what was stored here.
    """
    if not any(_waits(connection, status, owner) for status in ("queued", "parked")):
        wanted = submission(REFRESH, Refresh(), owner=owner)
        submit(connection, [wanted])
        connection.execute(
            "update tasks set due_at = now() + %s where id = %s",
            [_GATHERS, wanted.id],
        )


def _waits(connection: Db, status: str, owner: str) -> bool:
    """Whether such a task of an owner is in a state; the index of the state tells."""
    row = connection.execute(
        f"select 1 from tasks where status = '{status}' and queue = %s and owner = %s "
        "and name = %s limit 1 for share skip locked",
        [REFRESH.queue, owner, REFRESH.name],
    ).fetchone()
    return row is not None
