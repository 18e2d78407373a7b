"""The local text engine: what a text says, found by counting and by rules.

Nothing here is in words of its own: key sentences are sentences of the text, and what
cannot be told is absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from pydantic import TypeAdapter

from prsnl.engines.contracts import (
    ChildFiles,
    Entity,
    Heading,
    Insights,
    JsonObject,
    KeySentence,
    Keyword,
    Summary,
    TextAnalysis,
)
from prsnl.engines.taxonomy.contract import CategoryDefinition, TypeDefinition
from prsnl.engines.text.chunks import chunks_of
from prsnl.engines.text.document_date import document_date_of
from prsnl.engines.text.document_type import Described, type_of
from prsnl.engines.text.entities import KIND_MAX, find_entities
from prsnl.engines.text.insights import find_insights
from prsnl.engines.text.keywords import keywords, tags
from prsnl.engines.text.language import language_of
from prsnl.engines.text.profile import Told, profile_of
from prsnl.engines.text.prose import Paragraph, matter, prose
from prsnl.engines.text.ranking import Sentence, key_sentences
from prsnl.engines.text.sentences import paragraphs, sentences
from prsnl.engines.text.titles import title_of
from prsnl.engines.text.words import UNSPACED, WORD

ENGINE: Final = "extractive"
#: Passages of one frame: well below what a frame may carry.
_FRAME_PASSAGES: Final = 500
#: Key sentences are sought in so much of a long text, of so many parts of it.
_SENTENCES_WITHIN_CHARACTERS: Final = 200_000
_PARTS: Final = 40
_SOME_CHARACTERS: Final = 300

Pages = Sequence[tuple[int, str]]


def analyze(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield one `TextAnalysis` of a whole document.

    Args:
        files: Not used: the text comes in the parameters.
        params: `pages` [{number, text}], and where known `headings`, `metadata` and
            `file_name`.
    """
    del files
    pages = _pages(params)
    headings = [Heading.model_validate(one) for one in params.get("headings") or ()]
    metadata: dict[str, str] = params.get("metadata") or {}
    file_name = str(params.get("file_name") or "")
    yield _analysis(pages, headings, metadata, file_name).model_dump(mode="json")


def summarize(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield one `Summary`: sentences of the `pages` themselves.

    Args:
        files: Not used: the text comes in the parameters.
        params: `pages` [{number, text}], `language`, and where known `headings`; with
            `count` so many sentences at most.
    """
    del files
    pages = _pages(params)
    headings = [Heading.model_validate(one) for one in params.get("headings") or ()]
    length = sum(len(text) + 2 for _, text in pages)
    found = _key_sentences(pages, headings, params["language"], params.get("count"))
    yield Summary(
        engine=ENGINE,
        key_sentences=found,
        notes=tuple(_summary_notes(length, len(found))),
    ).model_dump(mode="json")


def classify(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield one `DocumentType`.

    Args:
        files: Not used: the text comes in the parameters.
        params: `pages` [{number, text}], `title`, `file_name`, the `types` of the
            taxonomy, and where known `kind` and `language`.
    """
    del files
    types = _types(json.dumps(params["types"]))
    described = Described(
        title=str(params["title"]),
        text=_joined(_pages(params)),
        file_name=str(params["file_name"]),
        kind=params.get("kind"),
        language=params.get("language"),
    )
    yield type_of(described, types, engine=ENGINE).model_dump(mode="json")


def profile(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield one `Profile`.

    Args:
        files: Not used: the text comes in the parameters.
        params: `pages` [{number, text}], `title`, `keywords`, and the `categories` of
            the taxonomy.
    """
    del files
    told = Told(
        title=str(params["title"]),
        keywords=[str(one) for one in params["keywords"]],
        text=_joined(_pages(params)),
    )
    categories = _categories(json.dumps(params["categories"]))
    yield profile_of(told, categories, engine=ENGINE).model_dump(mode="json")


def insights(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield one `Insights`: the facts of the `pages`, each with its place.

    Args:
        files: Not used: the text comes in the parameters.
        params: `pages` [{number, text}] and the `entities` found in them.
    """
    del files
    entities = [Entity.model_validate(one) for one in params["entities"]]
    found, notes = find_insights(_pages(params), entities)
    yield Insights(engine=ENGINE, insights=found, notes=notes).model_dump(mode="json")


def chunk(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield frames `{"chunks": [Chunk]}` of the `pages` [{number, text}], in order.

    Each holds at most 500 passages; a text that has none gives one empty frame.
    """
    del files
    found = chunks_of(_pages(params))
    for start in range(0, max(len(found), 1), _FRAME_PASSAGES):
        part = found[start : start + _FRAME_PASSAGES]
        yield {"chunks": [one.model_dump(mode="json") for one in part]}


# A warm child is asked with the same taxonomy again and again: to read it is most of
# the work for a short text.
@lru_cache(maxsize=8)
def _types(told: str) -> tuple[TypeDefinition, ...]:
    return TypeAdapter(tuple[TypeDefinition, ...]).validate_json(told)


@lru_cache(maxsize=8)
def _categories(told: str) -> tuple[CategoryDefinition, ...]:
    return TypeAdapter(tuple[CategoryDefinition, ...]).validate_json(told)


def _pages(params: JsonObject) -> Pages:
    return [(int(page["number"]), str(page["text"])) for page in params["pages"]]


def _analysis(
    pages: Pages, headings: Sequence[Heading], metadata: dict[str, str], file_name: str
) -> TextAnalysis:
    text = _joined(pages)
    language, confidence = language_of(text)
    told = matter(pages)
    title, title_source = title_of(
        headings=headings, metadata=metadata, text=told, file_name=file_name
    )
    entities = find_entities(pages, language)
    found = keywords(told, language)
    return TextAnalysis(
        engine=ENGINE,
        language=language,
        language_confidence=confidence,
        title=title,
        title_source=title_source,
        document_date=document_date_of(pages, entities, metadata),
        keywords=tuple(Keyword(text=word, score=score) for word, score in found),
        tags=tuple(tags(found)),
        entities=tuple(entities),
        word_count=_word_count(text, language),
        notes=tuple(_notes([entity.kind for entity in entities])),
    )


def _joined(pages: Pages) -> str:
    return "\n\n".join(text for _, text in pages)


def _key_sentences(
    pages: Pages,
    headings: Iterable[Heading],
    language: str | None,
    count: int | None,
) -> tuple[KeySentence, ...]:
    titles = [heading.text for heading in headings]
    picked = key_sentences(
        list(_sentences(prose(pages, titles, language), language)),
        language,
        count=count,
    )
    return tuple(
        KeySentence(text=one.sentence.text, page=one.sentence.page, score=one.score)
        for one in picked
    )


def _sentences(found: Sequence[Paragraph], language: str | None) -> Iterator[Sentence]:
    """The sentences of the prose, one that is said again told once."""
    told: set[str] = set()
    for one in _spread(found):
        for piece in paragraphs(one.text):
            for sentence in sentences(piece, language):
                if sentence not in told:
                    told.add(sentence)
                    yield Sentence(text=sentence, page=one.page, weight=one.weight)


def _spread(found: Sequence[Paragraph]) -> Iterator[Paragraph]:
    """All of a text, or of a long one as much from the beginning of each part."""
    whole = sum(len(one.text) for one in found)
    if whole <= _SENTENCES_WITHIN_CHARACTERS:
        yield from found
        return
    within = _SENTENCES_WITHIN_CHARACTERS // _PARTS
    part = before = read = 0
    for one in found:
        if (now := before * _PARTS // whole) != part:
            part, read = now, 0
        before += len(one.text)
        if read < within:
            read += len(one.text)
            yield one


def _word_count(text: str, language: str | None) -> int:
    if language in UNSPACED:
        return sum(letter.isalpha() for letter in text)
    return sum(1 for _ in WORD.finditer(text))


def _summary_notes(characters: int, found: int) -> Iterator[str]:
    if characters > _SENTENCES_WITHIN_CHARACTERS:
        yield (
            f"The text has {characters} characters; key sentences are from "
            f"{_SENTENCES_WITHIN_CHARACTERS} of them, spread over all of it."
        )
    if not found and characters >= _SOME_CHARACTERS:
        yield (
            "There are no key sentences: the text has no whole sentences of running "
            "text."
        )


def _notes(kinds: Sequence[str]) -> Iterator[str]:
    for kind in sorted(set(kinds)):
        if kinds.count(kind) >= KIND_MAX:
            yield f"Only the first {KIND_MAX} entities of the kind {kind} are kept."
