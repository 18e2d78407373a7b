"""A language model reads a text: part by part, then as one whole, each kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar

from prsnl.ai_processing import passages
from prsnl.ai_processing.answers import (
    AnalysisAnswer,
    Answer,
    CategorizationAnswer,
    CombinedAnswer,
    InsightsAnswer,
    SummaryAnswer,
    unique,
)
from prsnl.ai_processing.asking import About, LanguageModel, Question, tokens_of
from prsnl.ai_processing.parts import (
    COMBINE,
    FIND,
    NAMES,
    READ,
    SORT,
    SUMMARIZE,
    UNDERSTAND,
    Part,
)
from prsnl.ai_processing.passages import Source
from prsnl.core.db import Db
from prsnl.core.errors import TooLongForModelError
from prsnl.engines.contracts import Chunk, Entity, Value
from prsnl.items import understood
from prsnl.items.understood import KeyPoint, Named, Understanding
from prsnl.work.run import TaskRun
from prsnl.work.stages import Done, Stage, Store

A = TypeVar("A", bound=Answer)
R = TypeVar("R", bound=Value)

_TAGS_MAX: Final = 8
_CATEGORIES_MAX: Final = 3
_POINTS_MAX: Final = 7
_INSIGHTS_MAX: Final = 12
#: Of a long text, whose parts have as many each.
_ALL_INSIGHTS_MAX: Final = 100
_PAIR: Final = 2
#: Units of the texts of one task, and of the levels of one text, are apart by these.
_TEXT_UNITS: Final = 1_000_000
_LEVEL_UNITS: Final = 10_000
_THEIR_OWN: Final = "the language of the text"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is wanted of an answer."""

    sentences: int = 5
    #: ISO 639-1; None: the text's own.
    language: str | None = None
    #: What categories there are; none: the model's own.
    categories: Sequence[str] = ()

    def values(self, *, points: int = _POINTS_MAX) -> dict[str, str]:
        """What fills the places of a prompt."""
        known = "; ".join(self.categories)
        return {
            "sentences": f"at most {self.sentences}",
            "points": str(points),
            "language": self.language or _THEIR_OWN,
            "categories": f", out of these alone: {known}" if known else "",
        }

    def allowed(self, names: Sequence[str]) -> tuple[str, ...]:
        """Categories that there are, spelled as they are."""
        if not self.categories:
            return unique(names, most=_CATEGORIES_MAX)
        known = {name.casefold(): name for name in self.categories}
        fitting = [known[n.casefold()] for n in names if n.casefold() in known]
        return unique(fitting, most=_CATEGORIES_MAX)


@dataclass(frozen=True)
class Finding:
    """What matters in a text, and where it says so."""

    kind: str
    point: KeyPoint


@dataclass(frozen=True)
class Reading:
    """One text, read by one model for one task."""

    run: TaskRun
    model: LanguageModel
    source: Source
    wish: Wish = Wish()

    def understand(
        self, ruled: Sequence[Entity]
    ) -> tuple[Understanding, tuple[Entity, ...]]:
        """Summary, key points, categories, tags and names of the text.

        Args:
            ruled: What rules have found in it; kept beside the names.
        """
        key, parts = self._parts(READ, "analyze", AnalysisAnswer)
        named = self._once(
            NAMES,
            inputs=[key],
            work=lambda: self._named(parts),
            store=lambda connection, made: self._save_names(connection, made, ruled),
        )
        answers = [answer for part in parts for answer in part.answers]
        combined, key = self._combined(answers, key)
        told = self._once(
            UNDERSTAND,
            inputs=[key, named.key, str(self.wish.sentences).encode()],
            work=lambda: self._understanding(combined, len(answers)),
            store=self._save_understanding,
        )
        self.run.warnings.extend([*named.value.notes, *told.value.notes])
        return told.value, passages.with_rules(named.value.entities, ruled)

    def summarize(self) -> Understanding:
        """A summary in the model's words, and the points that it rests on."""
        key, parts = self._parts(SUMMARIZE, "summarize", SummaryAnswer)
        answers: list[SummaryAnswer] = [a for part in parts for a in part.answers]
        combined, _ = self._combined(answers, key)
        return self._understanding(combined, len(answers), "summarize")

    def insights(self) -> tuple[Finding, ...]:
        """What matters in the text, in its order."""
        _, parts = self._parts(FIND, "extract-insights", InsightsAnswer)
        found = [one for part in parts for a in part.answers for one in a.insights]
        findings = []
        for one in found:
            points, _ = self._points([one], most=1)
            findings += [Finding(one.kind, point) for point in points]
        if len(findings) > _ALL_INSIGHTS_MAX:
            self.run.warnings.append(
                f"Of {len(findings)} insights the first {_ALL_INSIGHTS_MAX} are kept."
            )
        return tuple(findings[:_ALL_INSIGHTS_MAX])

    def categorize(self) -> CategorizationAnswer:
        """Where the text belongs, by its beginning and samples of the rest."""
        prompt = self.model.prompts.get("categorize")
        room = self.model.text_tokens(prompt)
        chosen = passages.sample(self.source.chunks, most_tokens=room)
        sampled = replace(self, source=replace(self.source, chunks=chosen))
        _, parts = sampled._parts(SORT, "categorize", CategorizationAnswer)  # noqa: SLF001
        return parts[0].answers[0]

    def _groups(self, prompt: str) -> list[Sequence[Chunk]]:
        room = self.model.text_tokens(self.model.prompts.get(prompt))
        return passages.groups(self.source.chunks, most_tokens=room)

    def _unit(self, number: int) -> int:
        return self.source.place * _TEXT_UNITS + number

    def _once(
        self,
        stage: Stage[R],
        *,
        inputs: Sequence[bytes],
        work: Callable[[], R],
        store: Store[R],
    ) -> Done[R]:
        """A stage of one unit: another for each of the texts of a task."""
        unit = self._unit(0)
        done = self.run.units(
            stage,
            units=[unit],
            inputs=inputs,
            work=lambda _units: iter([(unit, work())]),
            store=lambda connection, made: store(connection, made[unit]),
        )
        return Done(done.values[unit], done.key)

    def _about(self, stage: Stage[Any], unit: int) -> About:
        source = self.source
        return About(
            stage=stage.name,
            unit=unit,
            item_ids=source.item_ids,
            attachment_id=source.attachment_id,
        )

    def _parts(
        self, stage: Stage[Any], name: str, answer: type[A]
    ) -> tuple[bytes, list[Part[A]]]:
        """Ask the same of every group of passages; each answer is kept by itself."""
        prompt = self.model.prompts.get(name)
        values = self.wish.values(
            points=_INSIGHTS_MAX if answer is InsightsAnswer else _POINTS_MAX
        )
        by_unit = {
            self._unit(number): group
            for number, group in enumerate(self._groups(name), start=1)
        }

        def ask(about: About, chunks: Sequence[Chunk]) -> A:
            question = Question(
                prompt=prompt,
                answer=answer,
                values=values,
                data=passages.shown(chunks),
            )
            return self.model.ask(self.run, question, about)

        def work(units: Sequence[int]) -> Iterator[tuple[int, Part[A]]]:
            for unit in units:
                told = _divided(partial(ask, self._about(stage, unit)), by_unit[unit])
                answers = tuple(one for one, _ in told)
                spans = tuple((c[0].number, c[-1].number) for _, c in told)
                yield unit, stage.result(answers=answers, spans=spans)

        done = self.run.units(
            stage,
            units=list(by_unit),
            inputs=[self.source.content],
            parameters=self.model.parameters(
                prompt, values=values, room=self.model.text_tokens(prompt)
            ),
            work=work,
            store=_nothing,
        )
        return done.key, [done.values[unit] for unit in by_unit]

    def _combined(
        self, answers: Sequence[SummaryAnswer], key: bytes
    ) -> tuple[SummaryAnswer, bytes]:
        """One answer of several, in as many levels as their size asks for."""
        level = 0
        while len(answers) > 1:
            level += 1
            answers, key = self._level(answers, key, level)
        return answers[0], key

    def _level(
        self, answers: Sequence[SummaryAnswer], key: bytes, level: int
    ) -> tuple[Sequence[SummaryAnswer], bytes]:
        prompt = self.model.prompts.get("combine")
        batches = dict(
            enumerate(
                _batches(answers, self.model.text_tokens(prompt)),
                start=self._unit(level * _LEVEL_UNITS),
            )
        )

        def ask(about: About, told: Sequence[SummaryAnswer]) -> CombinedAnswer:
            question = Question(
                prompt=prompt,
                answer=CombinedAnswer,
                values=self.wish.values(),
                data=_notes(told),
                word="notes",
            )
            return self.model.ask(self.run, question, about)

        def work(units: Sequence[int]) -> Iterator[tuple[int, CombinedAnswer]]:
            for unit in units:
                yield (
                    unit,
                    _joined(partial(ask, self._about(COMBINE, unit)), batches[unit]),
                )

        done = self.run.units(
            COMBINE,
            units=list(batches),
            inputs=[key],
            parameters=self.model.parameters(prompt, values=self.wish.values()),
            work=work,
            store=_nothing,
        )
        return [done.values[unit] for unit in batches], done.key

    def _named(self, parts: Sequence[Part[AnalysisAnswer]]) -> Named:
        chunks = self.source.chunks
        pairs = [
            (answer.entities, [c for c in chunks if first <= c.number <= last])
            for part in parts
            for answer, (first, last) in zip(part.answers, part.spans, strict=True)
        ]
        entities, missing = passages.located(pairs, self.source)
        notes = (
            (f"{missing} names that the model gave stand nowhere in the text.",)
            if missing
            else ()
        )
        return Named(engine=self.model.name, entities=entities, notes=notes)

    def _understanding(
        self, told: SummaryAnswer, parts: int, prompt: str = "analyze"
    ) -> Understanding:
        points, uncited = self._points(told.key_points, most=_POINTS_MAX)
        names = [prompt, "combine"] if parts > 1 else [prompt]
        sorted_too = told if isinstance(told, CombinedAnswer) else None
        return Understanding(
            engine=self.model.name,
            prompts=tuple(self.model.prompts.get(name).label for name in names),
            summary=told.summary,
            key_points=points,
            categories=self.wish.allowed(sorted_too.categories if sorted_too else ()),
            tags=unique(
                (tag.casefold() for tag in (sorted_too.tags if sorted_too else ())),
                most=_TAGS_MAX,
            ),
            notes=(
                (f"{uncited} key points named no passage, and were left out.",)
                if uncited
                else ()
            ),
        )

    def _points(
        self, points: Sequence[Any], *, most: int
    ) -> tuple[tuple[KeyPoint, ...], int]:
        known = [chunk.number for chunk in self.source.chunks]
        return passages.key_points(points, self.source, known=known, most=most)

    def _save_names(
        self, connection: Db, named: Named, ruled: Sequence[Entity]
    ) -> None:
        source = self.source
        if source.attachment_id is not None:
            understood.save_names(
                connection,
                source.attachment_id,
                named,
                passages.with_rules(named.entities, ruled),
                on_item=source.on_item,
            )

    def _save_understanding(self, connection: Db, told: Understanding) -> None:
        source = self.source
        if source.attachment_id is not None:
            understood.save_understanding(
                connection, source.attachment_id, told, on_item=source.on_item
            )


def _divided(
    ask: Callable[[Sequence[Chunk]], A], chunks: Sequence[Chunk]
) -> list[tuple[A, Sequence[Chunk]]]:
    """Ask of all passages at once; of halves, where that is too long for the model.

    Raises:
        TooLongForModelError: One passage is.
    """
    try:
        return [(ask(chunks), chunks)]
    except TooLongForModelError as error:
        if len(chunks) == 1:
            raise TooLongForModelError(
                f"{error.message} Not even one passage of it fits: set a model that "
                "reads more, and PRSNL_LLM_CONTEXT_TOKENS to what it reads.",
                provider=error.provider,
            ) from error
    middle = len(chunks) // 2
    return _divided(ask, chunks[:middle]) + _divided(ask, chunks[middle:])


def _joined(
    ask: Callable[[Sequence[SummaryAnswer]], CombinedAnswer],
    told: Sequence[SummaryAnswer],
) -> CombinedAnswer:
    """Put two answers or more together; halves first, where all is too long."""
    try:
        return ask(told)
    except TooLongForModelError:
        if len(told) == _PAIR:
            raise
    middle = len(told) // 2
    halves = [told[:middle], told[middle:]]
    return ask([h[0] if len(h) == 1 else _joined(ask, h) for h in halves])


def _batches(
    answers: Sequence[SummaryAnswer], most_tokens: int
) -> list[list[SummaryAnswer]]:
    """Neighbouring answers whose notes fit together; two at least, so that it ends."""
    found: list[list[SummaryAnswer]] = [[]]
    left = most_tokens
    for answer in answers:
        size = tokens_of(_notes([answer]))
        if size > left and len(found[-1]) > 1:
            found.append([])
            left = most_tokens
        found[-1].append(answer)
        left -= size
    if len(found) > 1 and len(found[-1]) == 1:
        found[-2] += found.pop()
    return found


def _notes(answers: Sequence[SummaryAnswer]) -> str:
    """Answers about parts as a model reads them."""
    return "\n".join(_note(number, one) for number, one in enumerate(answers, start=1))


def _note(number: int, answer: SummaryAnswer) -> str:
    lines = [f"Part {number}: {answer.summary}"]
    lines += [f"- {point.text} {list(point.passages)}" for point in answer.key_points]
    if isinstance(answer, CombinedAnswer):
        lines.append(f"Categories: {', '.join(answer.categories)}")
        lines.append(f"Tags: {', '.join(answer.tags)}")
    return "\n".join(lines)


def _nothing(_connection: Db, _made: Any) -> None:
    """Parts are kept as checkpoints; what they come to is saved as a whole."""
