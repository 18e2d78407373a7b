"""What an engine takes and gives: shapes, units and errors, said once.

Engines run in a sandbox child. An *operation* is a function
`(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]`, named in
`OPERATIONS`; each value it yields is one frame to the parent, checked there against
the models below. Pages are counted from 1.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

JsonObject: TypeAlias = dict[str, Any]


class Value(BaseModel):
    """A frozen value that crosses a process boundary as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ChildFiles(Protocol):
    """The two folders that a child knows."""

    @property
    def inputs(self) -> Path:
        """Read only: what the parent put there for this task."""

    @property
    def outputs(self) -> Path:
        """Writable, within the child's disk limit; the parent reads it."""


class FileType(Value):
    """What a file is, told from its content."""

    mime_type: str
    #: Our word for the kind: "pdf", "text", "markdown", "html", "docx", or the
    #: detector's own label ("png", "mp4", "xlsx", ...) for what is not read yet.
    kind: str
    #: What a person calls it: "PDF document".
    description: str
    #: Between 0 and 1.
    confidence: float = Field(ge=0, le=1)
    #: The extension says something else, e.g. a PDF called `.txt`.
    name_lies: bool = False


class Heading(Value):
    """One heading of a document."""

    level: int = Field(ge=1, le=9)
    text: str
    page: int | None = None


class DocumentInfo(Value):
    """What a document says of itself; the first frame of `document.read`."""

    page_count: int = Field(ge=0)
    #: Cleaned metadata with plain keys: title, author, subject, keywords, creator,
    #: producer, created_at, modified_at (ISO 8601), language, and date, where its
    #: author declares one. Absent where the file is silent.
    metadata: dict[str, str] = {}
    headings: tuple[Heading, ...] = ()
    warnings: tuple[str, ...] = ()


class PageStatus(StrEnum):
    """How reading one page ended."""

    OK = "ok"
    #: The page has no text: a picture, or nothing.
    EMPTY = "empty"
    FAILED = "failed"


class PageText(Value):
    """One page; a document without pages (DOCX, HTML, text) is parts of a few kB."""

    number: int = Field(ge=1)
    status: PageStatus
    #: Cleaned: paragraphs kept, hyphens at line ends joined, ligatures resolved.
    text: str
    #: As the engine gave it, where that differs from `text`.
    raw_text: str | None = None
    #: With headings, lists and tables, where the engine knows them.
    markdown: str | None = None
    #: E.g. "pypdfium2 5.15.2".
    engine: str
    #: Why this engine: "text layer", "the file is text", ...
    reason: str
    #: Between 0 and 1; None where the engine has none.
    confidence: float | None = None
    milliseconds: float
    #: What went wrong, when `status` is failed.
    error: str | None = None
    #: The page's number as the document prints it ("iv", "A-3"), where it differs.
    label: str | None = None


class Picture(Value):
    """A picture left in the child's outputs."""

    file_name: str
    mime_type: str
    width: int
    height: int


class EntityKind(StrEnum):
    """What rules can claim; a name is only a candidate."""

    DATE = "date"
    AMOUNT = "amount"
    EMAIL = "email"
    URL = "url"
    PHONE = "phone"
    IBAN = "iban"
    REFERENCE = "reference"
    NAME_CANDIDATE = "candidate"


class Entity(Value):
    """One thing that the text names."""

    kind: EntityKind
    #: As it stands in the text.
    text: str
    #: ISO date, "940.00 EUR", bare IBAN ...; None where nothing is normalised.
    value: str | None = None
    page: int
    #: Offsets in that page's `text`, in characters: start inclusive, end exclusive.
    start: int
    end: int


class Keyword(Value):
    """A word or phrase that tells what the text is about."""

    text: str
    #: Between 0 and 1, higher is better; comparable within one document alone.
    score: float


class KeySentence(Value):
    """A sentence of the text itself, picked because it stands for others."""

    text: str
    page: int
    score: float


class TextAnalysis(Value):
    """What the local engine finds; nothing here is in words of its own."""

    engine: str
    #: ISO 639-1; None if too short to tell.
    language: str | None
    language_confidence: float | None = None
    title: str
    #: "heading", "metadata", "first line" or "file name".
    title_source: str
    #: The document's own date, if it says one.
    document_date: date | None = None
    keywords: tuple[Keyword, ...] = ()
    tags: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()
    word_count: int
    #: What was left out and why, in whole sentences.
    notes: tuple[str, ...] = ()


class Summary(Value):
    """Sentences of the text that stand for the others; no words but its own."""

    engine: str
    key_sentences: tuple[KeySentence, ...] = ()
    #: What was left out and why, in whole sentences.
    notes: tuple[str, ...] = ()


class DocumentType(Value):
    """What kind of document a text is."""

    engine: str
    #: "contract", "invoice", "letter", ...; None if no rule is sure.
    document_type: str | None = None


class InsightKind(StrEnum):
    """What a fact of a text is about."""

    #: A day by which something is to be paid.
    DUE_DATE = "due_date"
    #: A day by which something else is to be done, or on which it ends.
    DEADLINE = "deadline"
    #: Two days and what is between: "2024-06-01/2025-05-31".
    PERIOD = "period"
    #: A length of time to act in: "P14D", "P3M".
    TERM = "term"
    AMOUNT = "amount"
    REFERENCE = "reference"
    IBAN = "iban"
    #: Who takes part, as a candidate.
    PARTY = "party"


class Insight(Value):
    """One fact, where it stands, and the words around it."""

    kind: InsightKind
    #: As it stands in the text.
    text: str
    #: Its normal form, as of an `Entity`; None where none is certain.
    value: str | None = None
    #: The words that say what it is, as they stand there: "Total", "payable by".
    label: str | None = None
    #: The sentence or line that it stands in, cut to 240 characters.
    context: str
    page: int
    #: Offsets in that page's `text`, in characters: start inclusive, end exclusive.
    start: int
    end: int
    #: A rule found it that is often wrong.
    is_candidate: bool = False


class Insights(Value):
    """The facts of a text, in its order."""

    engine: str
    insights: tuple[Insight, ...] = ()
    #: What was left out and why, in whole sentences.
    notes: tuple[str, ...] = ()


class Chunk(Value):
    """A passage that is embedded and found on its own."""

    number: int = Field(ge=1)
    text: str
    page_from: int
    page_to: int
    #: Offsets in the first and the last page's `text`.
    start: int
    end: int


class Embeddings(Value):
    """One frame of vectors: little-endian float32, base64, one after another."""

    model: str
    dimensions: int
    count: int
    data: str


#: Operation -> "module:function". The child imports nothing else by name.
OPERATIONS: dict[str, str] = {
    # {path, file_name} -> FileType
    "file.identify": "prsnl.engines.documents.identify:identify",
    # {path, kind, mime_type?, description?, password?, skip_pages: [int]}
    #   -> DocumentInfo, PageText...
    "document.read": "prsnl.engines.documents:read",
    # {path, kind, width} -> Picture (of page 1), or no frame where there is none
    "document.thumbnail": "prsnl.engines.documents:thumbnail",
    # {pages: [{number, text}], headings, metadata, file_name} -> TextAnalysis
    "text.analyze": "prsnl.engines.text:analyze",
    # {pages: [{number, text}], headings, language} -> Summary
    "text.summarize": "prsnl.engines.text:summarize",
    # {pages: [{number, text}], title, file_name} -> DocumentType
    "text.classify": "prsnl.engines.text:classify",
    # {pages: [{number, text}], entities} -> Insights
    "text.insights": "prsnl.engines.text:insights",
    # {pages: [{number, text}]} -> {"chunks": [Chunk]}...
    "text.chunk": "prsnl.engines.text:chunk",
    # {texts: [str]} -> Embeddings...
    "embedding.embed": "prsnl.engines.embedding:embed",
}
