"""A language model files several texts with one question; each answer is kept.

A question costs its instructions and the categories each time: twenty texts share them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from prsnl.ai_processing.answers import FiledAnswer, FilingAnswer
from prsnl.ai_processing.asking import About, LanguageModel, Question
from prsnl.ai_processing.categorizing import Sortable, fingerprint
from prsnl.ai_processing.passages import SCHEMA_TOKENS
from prsnl.ai_processing.suggestion import Suggestion
from prsnl.core.db import Db
from prsnl.core.errors import (
    ModelRefusedError,
    TooLongForModelError,
    UnusableAnswerError,
)
from prsnl.engines.contracts import Value
from prsnl.engines.llm.contract import estimated_tokens as tokens_of
from prsnl.engines.taxonomy.contract import Taxonomy
from prsnl.items import categories
from prsnl.items.categories import Source
from prsnl.work.quoting import Planned
from prsnl.work.run import TaskRun
from prsnl.work.stages import Stage

PROMPT: Final = "file"
#: Texts of one question, and what is shown of each.
MOST_TEXTS: Final = 20
_SHOWN_CHARACTERS: Final = 900
_THEIR_OWN: Final = "the language of each text"


class Filing(Value):
    """The answers about one batch of texts."""

    answers: tuple[FiledAnswer, ...] = ()
    #: Why there are none, in a sentence; None where there are.
    problem: str | None = None


FILE: Final = Stage(
    name="llm filing",
    version=1,
    result=Filing,
    title="Asking for categories",
    counts_units=False,
)


@dataclass(frozen=True)
class Filer:
    """Asks a model where texts belong, for one task."""

    run: TaskRun
    model: LanguageModel
    taxonomy: Taxonomy

    def file(self, texts: Mapping[int, Sortable]) -> dict[int, Suggestion]:
        """The model's suggestions, by the texts' numbers; those it has none for miss.

        A batch that the model refuses, or answers badly, keeps what is suggested here;
        a warning says so.
        """
        in_order = _batches(texts, self.model, self.taxonomy)
        batches = dict(enumerate(in_order, start=1))
        prompt = self.model.prompts.get(PROMPT)

        def work(units: Sequence[int]) -> Iterator[tuple[int, Filing]]:
            for unit in units:
                yield unit, self._ask(unit, batches[unit])

        def save(connection: Db, made: Mapping[int, Filing]) -> None:
            for unit, filing in made.items():
                self._keep(connection, batches[unit], filing)

        done = self.run.units(
            FILE,
            units=list(batches),
            inputs=[fingerprint(self.taxonomy), *map(fingerprint, texts.values())],
            parameters=self.model.parameters(prompt),
            work=work,
            store=save,
        )
        for filing in done.values.values():
            if filing.problem is not None:
                self.run.warnings.append(filing.problem)
        return {
            number: suggestion
            for unit, batch in batches.items()
            for number, suggestion in self._suggestions(batch, done.values[unit])
        }

    def _ask(self, unit: int, batch: Mapping[int, Sortable]) -> Filing:
        question = Question(
            prompt=self.model.prompts.get(PROMPT),
            answer=FilingAnswer,
            values={"categories": _told(self.taxonomy), "language": _THEIR_OWN},
            data="\n\n".join(_shown(number, text) for number, text in batch.items()),
            word="texts",
        )
        ids = [text.item_id for text in batch.values() if text.item_id is not None]
        about = About(stage=FILE.name, unit=unit, item_ids=list(dict.fromkeys(ids)))
        try:
            answer = self.model.ask(self.run, question, about)
        except (ModelRefusedError, TooLongForModelError, UnusableAnswerError) as error:
            return Filing(
                problem=f"{len(batch)} texts keep the category suggested on this "
                f"machine. {error.message}"
            )
        return Filing(answers=answer.texts)

    def _suggestions(
        self, batch: Mapping[int, Sortable], filing: Filing
    ) -> Iterator[tuple[int, Suggestion]]:
        """What fits: a text of the batch, once, and a category that there is."""
        told: set[int] = set()
        for answer in filing.answers:
            category = answer.category and self.taxonomy.category(answer.category)
            if answer.number not in batch or answer.number in told or not category:
                continue
            told.add(answer.number)
            yield (
                answer.number,
                Suggestion(
                    category=category.name,
                    confidence=answer.confidence,
                    source="llm",
                    reason=answer.reason or f"{self.model.name} says so.",
                ),
            )

    def _keep(
        self, connection: Db, batch: Mapping[int, Sortable], filing: Filing
    ) -> None:
        for number, suggestion in self._suggestions(batch, filing):
            item_id = batch[number].item_id
            if item_id is not None:
                categories.suggest(
                    connection,
                    item_id,
                    suggestion.category,
                    confidence=suggestion.confidence,
                    source=Source.LLM,
                    reason=suggestion.reason,
                )


def planned(
    texts: Mapping[int, Sortable], model: LanguageModel, taxonomy: Taxonomy
) -> list[Planned]:
    """The questions that it takes to file some texts."""
    prompt = model.prompts.get(PROMPT)
    frame = tokens_of(prompt.instructions) + tokens_of(_told(taxonomy)) + SCHEMA_TOKENS
    return [
        Planned(
            frame + sum(tokens_of(_shown(*each)) for each in batch.items()),
            model.answer_tokens(prompt),
        )
        for batch in _batches(texts, model, taxonomy)
    ]


def _batches(
    texts: Mapping[int, Sortable], model: LanguageModel, taxonomy: Taxonomy
) -> list[dict[int, Sortable]]:
    """Texts that go into one question together, by their numbers."""
    room = model.text_tokens(model.prompts.get(PROMPT)) - tokens_of(_told(taxonomy))
    found: list[dict[int, Sortable]] = []
    left = 0
    for number, text in texts.items():
        size = tokens_of(_shown(number, text))
        if not found or size > left or len(found[-1]) == MOST_TEXTS:
            found.append({})
            left = room
        found[-1][number] = text
        left -= size
    return found


def _told(taxonomy: Taxonomy) -> str:
    """The categories as a model reads them."""
    return "\n".join(f"- {one.name}: {one.description}" for one in taxonomy.categories)


def _shown(number: int, text: Sortable) -> str:
    """A text as a model reads it."""
    beginning = " ".join(text.text[:_SHOWN_CHARACTERS].split())
    return f"[{number}] {text.title}\n{beginning}"
