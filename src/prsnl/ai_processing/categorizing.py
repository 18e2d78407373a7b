"""Suggests categories for texts and keeps them; a person's own is never undone."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from prsnl.ai_processing.suggestion import Hint, Suggestion, suggested
from prsnl.core.db import Database, Db
from prsnl.engines.contracts import Profile, Value
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.engines.taxonomy.contract import Taxonomy
from prsnl.items import categories, taxonomies
from prsnl.items.categories import Place, Source
from prsnl.work.run import TaskRun
from prsnl.work.sandboxed import child_of
from prsnl.work.stages import DoneUnits, Stage

#: So much of a text is looked at.
READ_CHARACTERS: Final = 20_000
_FLOAT_BYTES: Final = 4


class Sorted(Value):
    """What came of one text."""

    suggestion: Suggestion
    #: Where the text lies among others; None without a model.
    model: str | None = None
    vector: str | None = None

    @property
    def place(self) -> Place | None:
        """The vector, unpacked."""
        if self.model is None or self.vector is None:
            return None
        data = base64.b64decode(self.vector)
        count = len(data) // _FLOAT_BYTES
        return Place(model=self.model, vector=struct.unpack(f"<{count}f", data))


SORT: Final = Stage(
    name="category", version=2, result=Sorted, title="Finding its category"
)


@dataclass(frozen=True, kw_only=True)
class Sortable:
    """A text that is to get a category."""

    #: The item that the suggestion is kept with; None: it is only told.
    item_id: UUID | None
    title: str
    keywords: Sequence[str]
    text: str
    language: str | None
    #: What its file was found to be, and how sure that is.
    document_type: str | None = None
    type_confidence: float = 0.0


@dataclass(frozen=True)
class Categorizer:
    """Suggests categories of the owner's taxonomy, on this machine."""

    database: Database
    sandbox: SandboxPool
    unit_timeout_s: float
    #: The taxonomy of who has set none.
    default: Taxonomy

    def taxonomy(self, owner: str) -> Taxonomy:
        """What an owner's documents are sorted by."""
        return self.database.run(
            lambda connection: taxonomies.in_force(
                connection, self.default, owner=owner
            )
        )

    def sort(
        self, run: TaskRun, texts: Sequence[Sortable], taxonomy: Taxonomy
    ) -> DoneUnits[Sorted]:
        """Suggest a category for each text, one a unit, counted from 1.

        What is near a text is looked up when its turn comes: what is kept of this
        stage is of use to a later claim of the same task, and to no other.
        """
        by_unit = dict(enumerate(texts, start=1))

        def work(wanted: Sequence[int]) -> Iterator[tuple[int, Sorted]]:
            for unit in wanted:
                yield unit, self._sorted(run, by_unit[unit], taxonomy)

        def save(connection: Db, made: Mapping[int, Sorted]) -> None:
            for unit, one in made.items():
                _keep(connection, by_unit[unit], one)

        return run.units(
            SORT,
            units=list(by_unit),
            inputs=[fingerprint(taxonomy), *map(fingerprint, texts)],
            parameters={"task": str(run.task_id)},
            work=work,
            store=save,
        )

    def _sorted(self, run: TaskRun, text: Sortable, taxonomy: Taxonomy) -> Sorted:
        with child_of(run, self.sandbox, "text") as child:
            told = child.call(
                "text.profile",
                {
                    "pages": [{"number": 1, "text": text.text[:READ_CHARACTERS]}],
                    "title": text.title,
                    "keywords": list(text.keywords),
                    "categories": [
                        one.model_dump(mode="json") for one in taxonomy.categories
                    ],
                },
                timeout_s=self.unit_timeout_s * run.room,
            )
        profile = Profile.model_validate(told)
        unplaced = Sorted(
            suggestion=suggested(profile, []),
            model=profile.model,
            vector=profile.vector,
        )
        place = unplaced.place
        near = (
            self.database.run(
                lambda connection: categories.nearest(
                    connection, place, owner=run.owner, besides=text.item_id
                )
            )
            if place
            else []
        )
        return unplaced.model_copy(
            update={
                "suggestion": suggested(
                    profile, near, language=text.language, hint=_hint(text, taxonomy)
                )
            }
        )


def _hint(text: Sortable, taxonomy: Taxonomy) -> Hint | None:
    found = taxonomy.type_named(text.document_type)
    category = found and found.category and taxonomy.category(found.category)
    if not found or not category:
        return None
    return Hint(found.name, category.name, text.type_confidence)


def _keep(connection: Db, text: Sortable, made: Sorted) -> None:
    if text.item_id is None:
        return
    if made.place is not None:
        categories.keep_place(connection, text.item_id, made.place)
    categories.suggest(
        connection,
        text.item_id,
        made.suggestion.category,
        confidence=made.suggestion.confidence,
        source=Source(made.suggestion.source),
        reason=made.suggestion.reason,
    )


def fingerprint(value: Sortable | Taxonomy) -> bytes:
    """A hash of all that a suggestion depends on."""
    told: Any = (
        vars(value) if isinstance(value, Sortable) else value.model_dump(mode="json")
    )
    canonical = json.dumps(told, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(canonical.encode()).digest()
