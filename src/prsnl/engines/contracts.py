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
from typing import Any, Final, Literal, Protocol, TypeAlias

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
    #: Our word for the kind, as `documents.READERS` has it ("pdf", "text", "docx" ...),
    #: or the detector's own label ("png", "mp4", ...) for what is not read.
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
    #: producer, created_at, modified_at (ISO 8601), language, attached_files (names),
    #: and date, where its author declares one. Absent where the file is silent.
    metadata: dict[str, str] = {}
    headings: tuple[Heading, ...] = ()
    warnings: tuple[str, ...] = ()


class PageStatus(StrEnum):
    """How reading one page ended."""

    OK = "ok"
    #: The page has no text: a picture, or nothing.
    EMPTY = "empty"
    FAILED = "failed"


class EdgeLine(Value):
    """A line at the head or the foot of a page, where running lines stand."""

    #: As it stands in the page's `text`, on a line of its own.
    text: str
    #: Which part of the page's height lies above it, from 0 to 1.
    at: float
    is_head: bool


class Link(Value):
    """An address that a page leads to when it is clicked."""

    url: str
    #: What it stands on, where that is text.
    text: str | None = None


class OcrRegion(Value):
    """A picture on a page whose text layer is good."""

    #: Left, top, right, bottom of the page as it is shown, in parts of its width and
    #: height, from 0 to 1.
    box: tuple[float, float, float, float]
    #: The line of text that stands above it; None at the head of the page.
    after: str | None = None


class OcrNeed(Value):
    """What of a page has to be recognised from its picture, and why."""

    #: The whole page instead of its text layer, or its pictures beside it.
    mode: Literal["page", "pictures"]
    reason: str
    regions: tuple[OcrRegion, ...] = ()


class Doubt(Value):
    """Words that OCR is not sure of; offsets in the page's `text`, in characters."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    #: Between 0 and 1.
    confidence: float = Field(ge=0, le=1)


class Recognition(Value):
    """What OCR did for a page."""

    mode: Literal["page", "pictures"]
    #: As tesseract names them: "eng", "deu".
    languages: tuple[str, ...] = ()
    #: How far the picture was turned clockwise, to be upright.
    turned_degrees: int = 0
    #: How far it stood askew, in degrees; it was set straight.
    skew_degrees: float = 0.0
    doubts: tuple[Doubt, ...] = ()
    #: One sentence, where the whole page is to be read with care.
    warning: str | None = None
    #: What would make it better, in whole sentences.
    notes: tuple[str, ...] = ()


class PageText(Value):
    """One page; a document without pages (DOCX, HTML, text) is parts of a few kB."""

    number: int = Field(ge=1)
    status: PageStatus
    #: Cleaned: paragraphs kept, hyphens at line ends joined, ligatures resolved.
    text: str
    #: As the engine gave it, where that differs from `text` in more than space.
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
    #: The outermost lines, from the head to the foot; none where places are unknown.
    edges: tuple[EdgeLine, ...] = ()
    links: tuple[Link, ...] = ()
    #: What is still to be recognised: a page with this is not finished.
    need: OcrNeed | None = None
    #: None on a page in which OCR had no part.
    recognition: Recognition | None = None


class OcrPlan(Value):
    """What languages a document is in, as far as OCR needs to know."""

    languages: tuple[str, ...] = ()
    #: "chosen", "the text layer", "the first page", "the usual ones".
    source: str
    #: The first page, if it was recognised with these languages already.
    page: PageText | None = None


class Picture(Value):
    """A picture left in the child's outputs."""

    file_name: str
    mime_type: str
    width: int
    height: int


class Member(Value):
    """One file in a mail or an archive."""

    #: What it is called in its container: "report.zip/tables/2024.csv"; only a label.
    name: str
    #: Where it lies in the child's outputs; None for what is left out.
    output: str | None = None
    sha256: str | None = None
    size_bytes: int = 0
    #: Why it is left out.
    problem: str | None = None


class Dependency(Value):
    """One package that a manifest or a lock file names."""

    name: str
    #: As it is written: "1.2.3", ">=2,<3", "^4.0"; None where any will do.
    version: str | None = None
    #: "pypi", "npm", "cargo", "go", "maven", "rubygems", "packagist" ...
    ecosystem: str
    #: "dev", "test", an extra's name ...; None for what is always needed.
    group: str | None = None
    is_optional: bool = False


class Dependencies(Value):
    """What a manifest or a lock file asks for."""

    #: The kind of file: "requirements.txt", "Cargo.lock" ...
    format: str
    dependencies: tuple[Dependency, ...] = ()
    warnings: tuple[str, ...] = ()


class EntityKind(StrEnum):
    """What rules can claim; a name is only a candidate, until a model says of what."""

    DATE = "date"
    AMOUNT = "amount"
    EMAIL = "email"
    URL = "url"
    PHONE = "phone"
    IBAN = "iban"
    REFERENCE = "reference"
    NAME_CANDIDATE = "candidate"
    # What a language model says of a name that stands in the text.
    PERSON = "person"
    ORGANIZATION = "organization"
    PLACE = "place"
    PRODUCT = "product"
    EVENT = "event"
    WORK = "work"
    OTHER = "other"


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

    def best(self, count: int) -> tuple[KeySentence, ...]:
        """At most so many of the key sentences, in the order of the text."""
        ranked = sorted(self.key_sentences, key=lambda one: -one.score)[:count]
        return tuple(one for one in self.key_sentences if one in ranked)


class Guess(Value):
    """A name of the taxonomy that may fit, and how sure that is."""

    name: str
    #: Between 0 and 1.
    confidence: float = Field(ge=0, le=1)


class DocumentType(Value):
    """What kind of document a text is."""

    engine: str
    #: A type of the taxonomy: "contract", "invoice", ...; None under the floor.
    document_type: str | None = None
    #: Of the best guess, told or not, between 0 and 1.
    confidence: float = Field(0.0, ge=0, le=1)
    #: What speaks for it, in one sentence; None where nothing does.
    reason: str | None = None
    #: The best guesses, the surest first.
    guesses: tuple[Guess, ...] = ()


class CategoryEvidence(Value):
    """What a text says for a category."""

    name: str
    #: Words of the category that the text says, the most telling first.
    words: tuple[str, ...] = ()
    #: How telling they are together: 0 for none, seldom above 10.
    points: float = Field(0.0, ge=0)
    #: Of the text's vector and the description's, as a cosine; None without a model.
    similarity: float | None = None


class Profile(Value):
    """What a text says of its categories, and its place among other texts."""

    engine: str
    #: By the taxonomy's order; those that nothing speaks for are there, too.
    evidence: tuple[CategoryEvidence, ...] = ()
    #: The model of the vector; None where there is no model.
    model: str | None = None
    #: Of length 1: little-endian float32, base64.
    vector: str | None = None


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
    #: Tokens read, and texts of which only the beginning was read.
    tokens: int = 0
    cut: int = 0


#: Operation -> "module:function". The child imports nothing else by name.
OPERATIONS: dict[str, str] = {
    # {path, file_name} -> FileType
    "file.identify": "prsnl.engines.documents.identify:identify",
    # {path, kind, mime_type?, description?, password?, skip_pages: [int]}
    #   -> DocumentInfo, PageText...
    "document.read": "prsnl.engines.documents:read",
    # {path, kind} -> Member..., for a kind that holds other files
    "document.members": "prsnl.engines.documents.members:members",
    # {path, file_name} -> Dependencies, or no frame if it is no manifest
    "manifest.read": "prsnl.engines.manifests:read",
    # {path, kind, width, page?, password?} -> Picture (of page 1, if none is named),
    #   or no frame where there is none
    "document.thumbnail": "prsnl.engines.documents:thumbnail",
    # {path, kind, password?, page: PageText, engine, setup, languages, pixels_max}
    #   -> PageText
    "ocr.recognize": "prsnl.engines.ocr.operations:recognize",
    # the same and {text} -> OcrPlan
    "ocr.plan": "prsnl.engines.ocr.operations:plan",
    # {path, kind?, from_s?, to_s?, by_channel?} -> {at_s}..., Activity
    "speech.survey": "prsnl.engines.speech.operations:survey",
    # {path, kind?, units, engine, setup} -> LanguageCheck
    "speech.check": "prsnl.engines.speech.operations:check",
    # {path, kind?, units, engine, setup, language?} -> Segment...
    "speech.transcribe": "prsnl.engines.speech.operations:transcribe",
    # {path, kind?, units} -> {number, file_name}..., each a WAV
    "speech.cut": "prsnl.engines.speech.operations:cut",
    # {path, kind?, units} -> {at_s}..., Speakers
    "speech.speakers": "prsnl.engines.speech.operations:speakers",
    # {pages: [{number, text}], headings, metadata, file_name} -> TextAnalysis
    "text.analyze": "prsnl.engines.text:analyze",
    # {pages: [{number, text}], headings, language} -> Summary
    "text.summarize": "prsnl.engines.text:summarize",
    # {pages: [{number, text}], title, file_name, kind?, language?,
    #   types: [TypeDefinition]} -> DocumentType
    "text.classify": "prsnl.engines.text:classify",
    # {pages: [{number, text}], title, keywords,
    #   categories: [CategoryDefinition]} -> Profile
    "text.profile": "prsnl.engines.text:profile",
    # {pages: [{number, text}], entities} -> Insights
    "text.insights": "prsnl.engines.text:insights",
    # {pages: [{number, text}]} -> {"chunks": [Chunk]}...
    "text.chunk": "prsnl.engines.text:chunk",
    # {texts: [str]} -> Embeddings...
    "embedding.embed": "prsnl.engines.embedding:embed",
    # {path, kind?} -> MediaInfo
    "media.probe": "prsnl.engines.media.probe:probe",
    # {path, kind?, width?} -> Picture, or no frame where there is none
    "media.cover": "prsnl.engines.media.probe:cover",
    # {path, kind?, track?, channel?, from_s?, to_s?, piece_s?} -> AudioPiece..., Heard
    "media.audio": "prsnl.engines.media.audio:audio",
    # {path, kind?, spans: [[from_s, to_s]], key_pictures_only?, width?}
    #   -> SpanShots..., and {"tick": pictures} in between
    "media.shots": "prsnl.engines.media.shots:shots",
    # {shots: [Shot], count} -> ChosenShots
    "media.choose": "prsnl.engines.media.choosing:choose",
}

#: What a user is told that an operation does.
OPERATION_TITLES: Final = {
    "file.identify": "Telling what the file is",
    "document.read": "Reading the file",
    "document.members": "Taking out the files in it",
    "manifest.read": "Listing its dependencies",
    "document.thumbnail": "Drawing a page",
    "ocr.recognize": "OCR of a page",
    "ocr.plan": "Telling the language of a scan",
    "speech.survey": "Listening for speech",
    "speech.check": "Telling the language that is spoken",
    "speech.transcribe": "Transcribing a part of the recording",
    "speech.cut": "Cutting out a part of its sound",
    "speech.speakers": "Telling speakers apart",
    "text.analyze": "Finding what the text is about",
    "text.summarize": "Picking its key sentences",
    "text.classify": "Telling the type of the document",
    "text.profile": "Comparing the text with the categories",
    "text.insights": "Finding facts in the text",
    "text.chunk": "Cutting the text into passages",
    "embedding.embed": "Embedding the passages",
    "media.probe": "Looking into the recording",
    "media.cover": "Taking out its cover",
    "media.audio": "Decoding its sound",
    "media.shots": "Looking for the shots of the video",
    "media.choose": "Choosing key frames",
}
