"""What a text is about, found by the local engines in a sandbox child."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from prsnl.ai_processing.specs import AnalyzeContent, ContentAnalysis
from prsnl.core.db import Database, Db
from prsnl.core.errors import ChildCrashedError, EmptyError
from prsnl.engines.contracts import (
    Chunk,
    DocumentInfo,
    Embeddings,
    JsonObject,
    PageText,
    TextAnalysis,
    Value,
)
from prsnl.engines.sandbox.conversation import Child
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.items import store
from prsnl.work.run import TaskRun
from prsnl.work.stages import Done, DoneUnits, Stage

#: Passages that are embedded in one unit: what a killed task loses at most.
UNIT_PASSAGES: Final = 32
_FLOAT_BYTES: Final = 4


class Chunks(Value):
    """The passages of a text."""

    chunks: tuple[Chunk, ...]


ANALYZE: Final = Stage(
    name="analyze",
    version=1,
    result=TextAnalysis,
    title="Finding what it is about",
)
CHUNK: Final = Stage(
    name="chunk", version=1, result=Chunks, title="Cutting into passages"
)
EMBED: Final = Stage(
    name="embed",
    version=1,
    result=Embeddings,
    title="Embedding passages",
    counts_units=False,
)


@dataclass(frozen=True)
class Learned:
    """What came of a text."""

    analysis: TextAnalysis
    passages: int


@dataclass(frozen=True)
class ContentAnalyst:
    """Analyses and embeds texts; each stage survives the next one's failure."""

    database: Database
    sandbox: SandboxPool
    unit_timeout_s: float
    #: Steps of `learn` for the progress: analyse, chunk, embed.
    steps: int = 3

    def analyze(self, run: TaskRun, command: AnalyzeContent) -> ContentAnalysis:
        """Analyse an item or a given text.

        Raises:
            EmptyError: The item has no text yet.
            NotFoundError: No such item of this owner.
        """
        if command.content is not None:
            run.progress.expect(1)
            pages = [{"number": 1, "text": command.content}]
            done = self._analyze(
                run,
                inputs=[command.content.encode()],
                params=_params(pages, file_name="text"),
                attachment_id=None,
            )
            return ContentAnalysis.of(done.value, command.options)
        assert command.content_id is not None
        return self._analyze_item(run, command.content_id, command)

    def _analyze_item(
        self, run: TaskRun, item_id: UUID, command: AnalyzeContent
    ) -> ContentAnalysis:
        item = self.database.run(
            lambda connection: store.item(connection, item_id, owner=run.owner)
        )
        run.progress.expect(len(item.attachments))
        found: TextAnalysis | None = None
        for file in item.attachments:
            pages = self.database.run(
                partial(store.readable_pages, attachment_id=file.id, owner=run.owner)
            )
            if not pages:
                continue
            done = self._analyze(
                run,
                inputs=[str(pages).encode()],
                params={
                    **_params(pages, file_name=file.file_name),
                    "headings": file.headings,
                    "metadata": file.metadata,
                },
                attachment_id=file.id,
            )
            found = found or done.value
        if found is None:
            raise EmptyError(
                "This item has no text yet: wait until its file is processed, or "
                "process it again."
            )
        return ContentAnalysis.of(found, command.options)

    def learn(
        self,
        run: TaskRun,
        *,
        attachment_id: UUID,
        file_name: str,
        info: DocumentInfo,
        pages: DoneUnits[PageText],
    ) -> Learned:
        """Analyse the pages of a document, cut them into passages, and embed those."""
        readable = [
            {"number": number, "text": page.text}
            for number, page in pages.values.items()
            if page.text
        ]
        analysis = self._analyze(
            run,
            inputs=[pages.key],
            params={
                **_params(readable, file_name=file_name),
                "headings": [heading.model_dump() for heading in info.headings],
                "metadata": info.metadata,
            },
            attachment_id=attachment_id,
        )
        chunks = run.stage(
            CHUNK,
            inputs=[pages.key],
            work=lambda: Chunks.model_validate(
                self._call(run, "text.chunk", {"pages": readable})
            ),
            store=lambda _connection, _chunks: None,
        )
        self._embed(run, attachment_id, chunks)
        return Learned(analysis.value, passages=len(chunks.value.chunks))

    def _analyze(
        self,
        run: TaskRun,
        *,
        inputs: Sequence[bytes],
        params: JsonObject,
        attachment_id: UUID | None,
    ) -> Done[TextAnalysis]:
        def save(connection: Db, analysis: TextAnalysis) -> None:
            if attachment_id is not None:
                store.save_analysis(connection, attachment_id, analysis)

        return run.stage(
            ANALYZE,
            inputs=inputs,
            parameters={"file_name": params["file_name"]},
            work=lambda: TextAnalysis.model_validate(
                self._call(run, "text.analyze", params)
            ),
            store=save,
        )

    def _embed(self, run: TaskRun, attachment_id: UUID, chunks: Done[Chunks]) -> None:
        batches = _batches(chunks.value.chunks)

        def work(wanted: Sequence[int]) -> Iterator[tuple[int, Embeddings]]:
            with self._child(run) as child:
                for number in wanted:
                    texts = [chunk.text for chunk in batches[number]]
                    yield number, self._embed_texts(child, texts)

        def save(connection: Db, made: Mapping[int, Embeddings]) -> None:
            for number, embeddings in made.items():
                passages = _passages(batches[number], embeddings)
                store.save_passages(connection, attachment_id, passages)

        run.units(
            EMBED, units=list(batches), inputs=[chunks.key], work=work, store=save
        )

    def _embed_texts(self, child: Child, texts: Sequence[str]) -> Embeddings:
        frames = child.stream(
            "embedding.embed",
            {"texts": list(texts)},
            unit_timeout_s=self.unit_timeout_s,
        )
        parts = [Embeddings.model_validate(frame) for frame in frames]
        if not parts or sum(part.count for part in parts) != len(texts):
            raise ChildCrashedError(
                "The embedding engine gave another number of vectors than texts."
            )
        data = b"".join(base64.b64decode(part.data) for part in parts)
        return Embeddings(
            model=parts[0].model,
            dimensions=parts[0].dimensions,
            count=len(texts),
            data=base64.b64encode(data).decode(),
        )

    def _call(self, run: TaskRun, operation: str, params: JsonObject) -> JsonObject:
        with self._child(run) as child:
            return child.call(operation, params, timeout_s=self.unit_timeout_s)

    @contextmanager
    def _child(self, run: TaskRun) -> Iterator[Child]:
        with self.sandbox.child("text") as child, run.killing(child.kill):
            yield child
            run.peak_memory_bytes = max(run.peak_memory_bytes, child.peak_memory_bytes)


def _params(pages: Sequence[Mapping[str, Any]], *, file_name: str) -> JsonObject:
    return {
        "pages": list(pages),
        "headings": [],
        "metadata": {},
        "file_name": file_name,
    }


def _batches(chunks: Sequence[Chunk]) -> dict[int, Sequence[Chunk]]:
    return {
        number: chunks[start : start + UNIT_PASSAGES]
        for number, start in enumerate(range(0, len(chunks), UNIT_PASSAGES), start=1)
    }


def _passages(
    chunks: Sequence[Chunk], embeddings: Embeddings
) -> dict[int, store.Passage]:
    data = base64.b64decode(embeddings.data)
    size = embeddings.dimensions * _FLOAT_BYTES
    return {
        chunk.number: store.Passage(
            chunk,
            embeddings.model,
            list(struct.unpack_from(f"<{embeddings.dimensions}f", data, place * size)),
        )
        for place, chunk in enumerate(chunks)
    }
