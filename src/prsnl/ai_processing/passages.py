"""A text as a model reads it: passages with numbers, so many at once as it can take."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from prsnl.ai_processing.answers import EntityAnswer, PointAnswer, cited
from prsnl.ai_processing.asking import LanguageModel, tokens_of
from prsnl.engines.contracts import Chunk, Entity, EntityKind
from prsnl.items.understood import Citation, KeyPoint
from prsnl.work.quoting import Planned

#: Of a name that stands often in one part, so many places are kept.
_PLACES_MAX: Final = 3
_ENTITIES_MAX: Final = 1_000
#: The cut, the names, the whole, and one for all levels of combining.
_OTHER_STEPS: Final = 4
#: What the shape of an answer and the words around a text take, in tokens; about.
SCHEMA_TOKENS: Final = 400
#: Of these a long text's parts are put together.
_COMBINED: Final = frozenset({"analyze", "summarize"})
#: Letters of scripts that put spaces between words.
_SPACED: Final = re.compile(r"[A-Za-z0-9\u00c0-\u052f]")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A text that is read as one, and the file that it belongs to, if any."""

    #: The texts of its pages, by their numbers.
    pages: Mapping[int, str]
    chunks: Sequence[Chunk]
    #: A hash of the text.
    content: bytes
    item_ids: Sequence[UUID] = ()
    attachment_id: UUID | None = None
    #: Its item shows what is found, too.
    on_item: bool = True
    #: Its place among the texts of a task, from 0: units of different texts differ.
    place: int = 0

    def page_of(self, passage: int) -> int:
        """The page that a passage begins on."""
        return next(one.page_from for one in self.chunks if one.number == passage)


def reading_steps(
    pages: Sequence[Mapping[str, Any]], model: LanguageModel, prompt: str
) -> int:
    """About how many steps of progress it takes to read a text; for the quote, too."""
    return calls_for(pages, model, prompt) + _OTHER_STEPS


def calls_for(
    pages: Sequence[Mapping[str, Any]], model: LanguageModel, prompt: str
) -> int:
    """About how many questions a text is: one for what a model reads at once."""
    tokens = sum(tokens_of(str(page["text"])) for page in pages)
    return max(1, math.ceil(tokens / model.text_tokens(model.prompts.get(prompt))))


def plan(
    texts: Sequence[Sequence[Mapping[str, Any]]], model: LanguageModel, name: str
) -> list[Planned]:
    """The questions that it takes to read some texts, at the most.

    What is kept of earlier answers is not asked again, and is not known here.
    """
    prompt, combine = model.prompts.get(name), model.prompts.get("combine")
    planned: list[Planned] = []
    for pages in texts:
        tokens = sum(tokens_of(str(page["text"])) for page in pages)
        count = 1 if name == "categorize" else calls_for(pages, model, name)
        part = min(model.text_tokens(prompt), math.ceil(tokens / count))
        frame = tokens_of(prompt.instructions) + SCHEMA_TOKENS
        planned += [Planned(part + frame, model.answer_tokens(prompt))] * count
        while count > 1 and name in _COMBINED:
            notes = count * prompt.answer_tokens
            count = min(count // 2, math.ceil(notes / model.text_tokens(combine)))
            each = math.ceil(notes / count) + tokens_of(combine.instructions)
            planned += [
                Planned(each + SCHEMA_TOKENS, model.answer_tokens(combine))
            ] * count
    return planned


def groups(chunks: Sequence[Chunk], *, most_tokens: int) -> list[Sequence[Chunk]]:
    """Neighbouring passages, so many together as one question may hold."""
    found: list[list[Chunk]] = []
    left = 0
    for chunk in chunks:
        size = tokens_of(_shown(chunk))
        if not found or size > left:
            found.append([])
            left = most_tokens
        found[-1].append(chunk)
        left -= size
    return [*found]


def sample(chunks: Sequence[Chunk], *, most_tokens: int) -> Sequence[Chunk]:
    """The beginning of a text and passages from all over the rest, within a size."""
    if len(groups(chunks, most_tokens=most_tokens)) <= 1:
        return chunks
    opening = groups(chunks, most_tokens=most_tokens // 2)[0]
    rest = chunks[len(opening) :]
    step = math.ceil(len(rest) / len(opening))
    spread = groups(rest[step // 2 :: step], most_tokens=most_tokens // 2)
    return [*opening, *(spread[0] if spread else ())]


def shown(chunks: Sequence[Chunk]) -> str:
    """Passages as they stand in a question, each after its number and page."""
    return "\n".join(_shown(chunk) for chunk in chunks)


def _shown(chunk: Chunk) -> str:
    return f"[{chunk.number}] (page {chunk.page_from})\n{chunk.text}\n"


def key_points(
    points: Sequence[PointAnswer], source: Source, *, known: Sequence[int], most: int
) -> tuple[tuple[KeyPoint, ...], int]:
    """Points with their places; and how many named no passage, and were left out."""
    kept = cited(points, known)
    told = tuple(
        KeyPoint(
            text=point.text,
            citations=tuple(
                Citation(passage=number, page=source.page_of(number))
                for number in point.passages
            ),
        )
        for point in kept[:most]
    )
    return told, len(points) - len(kept)


def located(
    answers: Sequence[tuple[Sequence[EntityAnswer], Sequence[Chunk]]], source: Source
) -> tuple[tuple[Entity, ...], int]:
    """Names with the places where the text has them; and how many it has nowhere.

    A model tells what a name is of; where it stands is looked up here, and a name
    that stands nowhere in what the model was shown is left out.
    """
    found: dict[tuple[int, int, int], Entity] = {}
    missing = 0
    for names, chunks in answers:
        stretches = _stretches(chunks, source.pages)
        for name in names:
            places = [*_places(name.name, stretches, source.pages)]
            missing += not places
            for page, start, end in places:
                found.setdefault(
                    (page, start, end),
                    Entity(
                        kind=EntityKind(name.kind),
                        text=source.pages[page][start:end],
                        page=page,
                        start=start,
                        end=end,
                    ),
                )
    in_order = [found[place] for place in sorted(found)]
    return tuple(in_order[:_ENTITIES_MAX]), missing


def _stretches(
    chunks: Sequence[Chunk], texts: Mapping[int, str]
) -> list[tuple[int, int, int]]:
    """What neighbouring passages are of the pages: page, start and end."""
    first, last = chunks[0], chunks[-1]
    return [
        (
            page,
            first.start if page == first.page_from else 0,
            last.end if page == last.page_to else len(texts[page]),
        )
        for page in sorted(texts)
        if first.page_from <= page <= last.page_to
    ]


def _places(
    name: str, stretches: Sequence[tuple[int, int, int]], texts: Mapping[int, str]
) -> Iterator[tuple[int, int, int]]:
    words = name.split()
    if not words:
        return
    pattern = r"\s+".join(re.escape(word) for word in words)
    before = r"(?<!\w)" if _SPACED.match(name[0]) else ""
    after = r"(?!\w)" if _SPACED.match(name[-1]) else ""
    finder = re.compile(before + pattern + after, re.IGNORECASE)
    left = _PLACES_MAX
    for page, start, end in stretches:
        for match in finder.finditer(texts[page], start, end):
            yield page, *match.span()
            left -= 1
            if not left:
                return


def with_rules(named: Sequence[Entity], ruled: Sequence[Entity]) -> tuple[Entity, ...]:
    """Names that a model told the kind of, and what rules are sure of, by their place.

    A rule's candidates are left out: the model has read the same names.
    """
    sure = [one for one in ruled if one.kind is not EntityKind.NAME_CANDIDATE]
    taken: dict[int, list[Entity]] = {}
    for one in sure:
        taken.setdefault(one.page, []).append(one)
    names = [
        one
        for one in named
        # "March" is no name where it is a part of a date.
        if not any(
            one.start < other.end and other.start < one.end
            for other in taken.get(one.page, ())
        )
    ]
    return tuple(sorted([*sure, *names], key=lambda one: (one.page, one.start)))
