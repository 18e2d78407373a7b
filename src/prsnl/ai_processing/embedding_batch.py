"""Many texts at once: each different one is embedded once, and never again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from prsnl.ai_processing.embedding import (
    Batch,
    EmbeddedBatch,
    Embedder,
    TextEmbedder,
    shares,
)
from prsnl.ai_processing.embedding_specs import EmbeddedTexts, EmbedTexts
from prsnl.core.db import Db
from prsnl.core.errors import UnavailableError
from prsnl.engines.contracts import Value
from prsnl.engines.embedding.contract import batches
from prsnl.items import task_vectors, vectors
from prsnl.items.vectors import Known, ModelName, content_of
from prsnl.work.run import TaskRun
from prsnl.work.stages import Stage

#: A vector that was there may go while others are made: then it is looked for again.
_ROUNDS: Final = 4
_VECTORS_URL: Final = "/api/embeddings?task_id={}"


class Looked(Value):
    """Which of a task's different texts have no vector."""

    #: Their places, from 0.
    missing: tuple[int, ...]
    #: None as long as the model has made none at all.
    model_id: int | None
    dimensions: int | None


LOOK: Final = Stage(
    name="look for vectors",
    version=1,
    result=Looked,
    title="Looking for what is embedded already",
)
EMBED_BATCHES: Final = Stage(
    name="embed texts", version=1, result=EmbeddedBatch, title="Embedding texts"
)


@dataclass(frozen=True)
class BatchEmbedder:
    """Does `generate_embeddings_batch_task`."""

    embedder: Embedder

    def embed(self, run: TaskRun, command: EmbedTexts) -> EmbeddedTexts:
        """Give every text a vector: look what is missing, embed it, and look again.

        Raises:
            UnavailableError: Vectors went as fast as they were made.
        """
        unique = {content_of(one.content): one.content for one in command.items}
        engine = self.embedder.engine(run)
        done: list[EmbeddedBatch] = []
        for number in range(_ROUNDS):
            looked = self._look(run, command, engine.name, list(unique), number)
            if not looked.missing:
                return _result(run, command, engine.name, looked, done)
            texts = [list(unique.values())[place] for place in looked.missing]
            done += self._embed(run, command, engine, texts, number)
        raise UnavailableError(
            "Vectors of this task were removed while it made others: retry it."
        )

    def _look(
        self,
        run: TaskRun,
        command: EmbedTexts,
        name: ModelName,
        contents: Sequence[bytes],
        number: int,
    ) -> Looked:
        def work() -> Looked:
            known = self.embedder.known(run, name, contents, command.cache_prefix)
            return Looked(
                missing=tuple(
                    place
                    for place, content in enumerate(contents)
                    if content not in known.contents
                ),
                model_id=known.model and known.model.id,
                dimensions=known.model and known.model.dimensions,
            )

        return run.stage(
            LOOK,
            inputs=[],
            parameters={"task": str(run.task_id)},
            work=work,
            store=partial(_name_texts, run, command),
            run=number,
        ).value

    def _embed(
        self,
        run: TaskRun,
        command: EmbedTexts,
        engine: TextEmbedder,
        texts: Sequence[str],
        number: int,
    ) -> list[EmbeddedBatch]:
        """Embed texts, of which none has a vector; each batch is kept at once."""
        items = _items(command)
        by_number = {
            unit: _batch(unit, [texts[place] for place in places], items)
            for unit, places in enumerate(batches(texts, engine.limits), start=1)
        }
        run.progress.expect(len(by_number) + 2)

        def look(batch: Batch) -> Known:
            # Another task may have embedded some of them meanwhile.
            return self.embedder.known(
                run, engine.name, batch.contents, command.cache_prefix
            )

        def save(connection: Db, made: Mapping[int, EmbeddedBatch]) -> None:
            for batch in made.values():
                vectors.keep(
                    connection,
                    batch.model_id,
                    batch.vectors,
                    owner=run.owner,
                    space=command.cache_prefix,
                )

        return list(
            run.units(
                EMBED_BATCHES,
                units=list(by_number),
                inputs=[],
                parameters={"task": str(run.task_id)},
                work=lambda wanted: self.embedder.made(
                    run, engine, [by_number[unit] for unit in wanted], look
                ),
                store=save,
                run=number,
                at_once=1,
            ).values.values()
        )


def _name_texts(
    run: TaskRun, command: EmbedTexts, connection: Db, looked: Looked
) -> None:
    """Keep which text of the task has which name, and by which model it is embedded."""
    task_vectors.name_texts(
        connection,
        [
            task_vectors.NamedText(one.id, one.type, content_of(one.content))
            for one in command.items
        ],
        task_id=run.task_id,
        owner=run.owner,
        space=command.cache_prefix,
        model_id=looked.model_id,
    )


def _items(command: EmbedTexts) -> dict[str, list[UUID]]:
    """Names that may be an item's, by the text: what leaves stands on its receipt."""
    found: dict[str, list[UUID]] = {one.content: [] for one in command.items}
    for one in command.items:
        with suppress(ValueError):
            found[one.content].append(UUID(one.id))
    return found


def _batch(
    unit: int, texts: Sequence[str], items: Mapping[str, Sequence[UUID]]
) -> Batch:
    return Batch(
        stage=EMBED_BATCHES.name,
        number=unit,
        texts=texts,
        item_bytes=shares((text, items[text]) for text in texts),
    )


def _result(
    run: TaskRun,
    command: EmbedTexts,
    name: ModelName,
    looked: Looked,
    done: Sequence[EmbeddedBatch],
) -> EmbeddedTexts:
    unique = len({one.content for one in command.items})
    embedded = sum(batch.texts for batch in done)
    cut = sum(batch.cut for batch in done)
    if cut:
        run.warnings.append(
            f"{cut} texts are longer than {name.name} reads: their vectors tell of the "
            "beginning alone. Cut them into parts to embed the whole."
        )
    assert looked.dimensions is not None
    return EmbeddedTexts(
        provider=name.provider,
        model=name.name,
        dimensions=looked.dimensions,
        texts=len(command.items),
        unique=unique,
        cached=max(unique - embedded, 0),
        embedded=embedded,
        batches=len(done),
        tokens=sum(batch.tokens for batch in done),
        cut=cut,
        vectors_url=_VECTORS_URL.format(run.task_id),
    )
