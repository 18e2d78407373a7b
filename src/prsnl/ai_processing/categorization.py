"""Several items or texts at once: what each is about, and what it is filed under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeGuard
from uuid import UUID

from prsnl.ai_processing.asking import LanguageModel
from prsnl.ai_processing.categorization_specs import (
    CategorizedItem,
    ContentItem,
    SmartCategorization,
    SmartCategorized,
)
from prsnl.ai_processing.categorizing import (
    READ_CHARACTERS,
    Categorizer,
    Sortable,
)
from prsnl.ai_processing.filing import Filer
from prsnl.ai_processing.service import ContentAnalyst
from prsnl.ai_processing.suggestion import Suggestion
from prsnl.core.errors import EmptyError
from prsnl.engines.taxonomy.contract import UNCATEGORISED
from prsnl.items import categories
from prsnl.items.categories import Filed, Known
from prsnl.work.run import TaskRun

ENGINE: Final = "extractive"
_NO_TEXT: Final = (
    "This item has no text yet: wait until its file is processed, or process it again."
)
_GONE: Final = "There is no such item any more."


@dataclass(frozen=True)
class SmartCategorizer:
    """Does `smart_categorization_task`."""

    analyst: ContentAnalyst
    categorizer: Categorizer
    #: None where no language model is set.
    model: LanguageModel | None = None

    def categorize(
        self, run: TaskRun, command: SmartCategorization
    ) -> SmartCategorized:
        """Suggest a category for each; one that has no text does not hold the others.

        Raises:
            EmptyError: None of them has a text.
        """
        wanted = command.wanted
        model = self._model_for(run)
        known = self.categorizer.database.run(
            lambda connection: categories.known(
                connection, command.item_ids, READ_CHARACTERS, owner=run.owner
            )
        )
        texts = self._sortable(run, wanted, known, asks=model is not None)
        if not texts:
            raise EmptyError(_NO_TEXT)
        taxonomy = self.categorizer.taxonomy(run.owner)
        done = self.categorizer.sort(run, list(texts.values()), taxonomy)
        made = {
            number: one.suggestion
            for number, one in zip(texts, done.values.values(), strict=True)
        }
        if model is not None and taxonomy.categories:
            made |= Filer(run, model, taxonomy).file(texts)
        filed = self.categorizer.database.run(
            lambda connection: categories.filed(
                connection, command.item_ids, owner=run.owner
            )
        )
        engine = ENGINE if model is None else model.name
        return _answer(wanted, made, filed, engine)

    def _model_for(self, run: TaskRun) -> LanguageModel | None:
        """The language model that this task may ask; it says why there is none."""
        if self.model is None or self.model.may_be_asked_by(run):
            return self.model
        run.warnings.append(
            f"{self.model.name} was not asked: it is elsewhere, and nothing of this "
            "may leave this machine. What is suggested here is kept."
        )
        return None

    def _sortable(
        self,
        run: TaskRun,
        wanted: Sequence[ContentItem],
        known: dict[UUID, Known],
        *,
        asks: bool,
    ) -> dict[int, Sortable]:
        """Those that have a text, by their place; a text of its own is analysed."""
        given = {
            number: one.content
            for number, one in enumerate(wanted, start=1)
            if one.content is not None and (one.id is None or one.id in known)
        }
        stored = [
            one.id for one in wanted if one.content is None and _has_text(one.id, known)
        ]
        run.progress.expect(3 * len(given) + len(stored) + asks)
        understood = dict(
            zip(
                given,
                self.analyst.understand(run, list(given.values())),
                strict=True,
            )
        )
        found: dict[int, Sortable] = {}
        for number, one in enumerate(wanted, start=1):
            if number in understood:
                analysis, told = understood[number]
                found[number] = Sortable(
                    item_id=one.id,
                    title=one.title or analysis.title,
                    keywords=tuple(word.text for word in analysis.keywords),
                    text=given[number][:READ_CHARACTERS],
                    language=analysis.language,
                    document_type=told.document_type,
                    type_confidence=told.confidence,
                )
            elif one.content is None and _has_text(one.id, known):
                found[number] = _of_item(known[one.id], one.title)
        return found


def _has_text(item_id: UUID | None, known: dict[UUID, Known]) -> TypeGuard[UUID]:
    return item_id in known and bool(known[item_id].text.strip())


def _of_item(item: Known, title: str | None) -> Sortable:
    return Sortable(
        item_id=item.item_id,
        title=title or item.title,
        keywords=tuple(item.keywords),
        text=item.text,
        language=item.language,
        document_type=item.document_type,
        type_confidence=item.type_confidence,
    )


def _answer(
    wanted: Sequence[ContentItem],
    made: dict[int, Suggestion],
    filed: dict[UUID, Filed],
    engine: str,
) -> SmartCategorized:
    items = tuple(
        _told(number, one, made.get(number), filed.get(one.id) if one.id else None)
        for number, one in enumerate(wanted, start=1)
    )
    names = [item.category for item in items if item.category is not None]
    uncategorized = names.count(UNCATEGORISED)
    return SmartCategorized(
        engine=engine,
        items=items,
        categorized=len(names) - uncategorized,
        uncategorized=uncategorized,
        failed=len(items) - len(names),
    )


def _told(
    number: int, wanted: ContentItem, made: Suggestion | None, filed: Filed | None
) -> CategorizedItem:
    if made is None or (wanted.id is not None and filed is None):
        problem = _NO_TEXT if filed else _GONE
        return CategorizedItem(number=number, item_id=wanted.id, problem=problem)
    return CategorizedItem(
        number=number,
        item_id=wanted.id,
        category=made.category,
        confidence=made.confidence,
        source=made.source,
        reason=made.reason,
        guesses=made.guesses,
        item_category=filed and filed.category,
        item_category_source=filed and filed.source,
    )
