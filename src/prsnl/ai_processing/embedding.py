"""Vectors of texts: one that has one is not embedded again."""

from __future__ import annotations

import base64
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Final, Protocol
from uuid import UUID

from pydantic import Field

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
from prsnl.work.stages import Stage

LOCAL: Final = ModelName("local", MINILM, MINILM_DIMENSIONS)


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
        number: Counted from 1 within its stage.
        texts: In the order of the vectors that are wanted.
        item_ids: The items that the texts are of.
        attachment_id: The file that they are of.
    """

    number: int
    texts: Sequence[str]
    item_ids: Sequence[UUID] = ()
    attachment_id: UUID | None = None

    @property
    def contents(self) -> list[bytes]:
        """The hashes of the texts."""
        return [content_of(text) for text in self.texts]


class TextEmbedder(Protocol):
    """One model, as a task may use it."""

    @property
    def name(self) -> ModelName:
        """Which model."""

    @property
    def limits(self) -> Limits:
        """How much it takes at once."""

    def embed(self, run: TaskRun, wanted: Iterable[Batch]) -> Generator[Embedded]:
        """The vectors of one batch after another; each keeps the limits.

        Raises:
            PrsnlError: They could not be made; its category says what follows.
        """


@dataclass(frozen=True)
class LocalEmbedder:
    """MiniLM in a sandbox child, which is held from the first batch to the last."""

    sandbox: SandboxPool
    unit_timeout_s: float
    name: ModelName = LOCAL
    limits: Limits = field(
        default=Limits(text_tokens=MINILM_TOKENS, batch_texts=64, batch_tokens=8192)
    )

    def embed(self, run: TaskRun, wanted: Iterable[Batch]) -> Generator[Embedded]:
        """The vectors of one batch after another."""
        profile = "text" if run.room == 1 else "text with more room"
        with self.sandbox.child(profile) as child, run.killing(child.kill):
            for batch in wanted:
                made = self._embed(child, batch.texts, run.room)
                run.peak_memory_bytes = max(
                    run.peak_memory_bytes, child.peak_memory_bytes
                )
                yield made

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
        return self.private if run.local_only else self.usual

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
        wanted: Sequence[Batch],
        known: Known,
    ) -> Generator[tuple[int, EmbeddedBatch]]:
        """Embed those texts of some batches that are not known; by their numbers."""
        missing = {batch.number: _missing(batch, known) for batch in wanted}
        asked = (
            replace(batch, texts=list(missing[batch.number].values()))
            for batch in wanted
            if missing[batch.number]
        )
        with closing(engine.embed(run, asked)) as answers:
            for batch in wanted:
                texts = missing[batch.number]
                answer = next(answers) if texts else NOTHING
                yield (
                    batch.number,
                    EmbeddedBatch(
                        number=batch.number,
                        texts=len(texts),
                        tokens=answer.tokens,
                        cut=answer.cut,
                        model_id=self._model_id(engine.name, answer, known),
                        vectors=dict(zip(texts, answer.vectors, strict=True)),
                    ),
                )

    def _model_id(self, name: ModelName, answer: Embedded, known: Known) -> int:
        """The row of the model that answered; rows of models stay for good."""
        if answer is NOTHING:
            assert known.model is not None
            return known.model.id
        key = (name, answer.dimensions)
        if key not in self._models:
            self._models[key] = self.database.run(
                lambda connection: vectors.add_model(connection, *key)
            ).id
        return self._models[key]

    def embed_passages(
        self,
        run: TaskRun,
        texts: Sequence[str],
        *,
        attachment_id: UUID,
        inputs: Sequence[bytes],
    ) -> None:
        """Give the passages of a file their vectors, one batch after another."""
        engine = self.engine(run)
        by_number = {
            number: Batch(
                number=number,
                texts=[texts[place] for place in places],
                attachment_id=attachment_id,
            )
            for number, places in enumerate(batches(texts, engine.limits), start=1)
        }
        known = self.known(run, engine.name, [content_of(text) for text in texts])

        def save(connection: Db, made: Mapping[int, EmbeddedBatch]) -> None:
            for number, batch in made.items():
                vectors.keep(
                    connection,
                    batch.model_id,
                    batch.vectors,
                    owner=run.owner,
                    is_passage=True,
                )
                if new := known.unmarked(by_number[number].contents):
                    vectors.mark_passages(
                        connection, batch.model_id, new, owner=run.owner
                    )

        def is_whole(kept: EmbeddedBatch) -> bool:
            batch = by_number.get(kept.number)
            return batch is not None and known.contents.keys() >= set(batch.contents)

        run.units(
            EMBED,
            units=list(by_number),
            inputs=inputs,
            parameters={"model": vars(engine.name)},
            work=lambda wanted: self.made(
                run, engine, [by_number[number] for number in wanted], known
            ),
            store=save,
            is_whole=is_whole,
        )


#: Of a batch whose texts are all known.
NOTHING: Final = Embedded(dimensions=0, vectors=(), tokens=0)


def _missing(batch: Batch, known: Known) -> dict[bytes, str]:
    """Texts of a batch without a vector, each once, by the hash."""
    texts = {content_of(text): text for text in batch.texts}
    return {key: text for key, text in texts.items() if key not in known.contents}
