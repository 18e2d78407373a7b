"""What it would take to have a model file texts, before anything is sent."""

from __future__ import annotations

from prsnl.ai_processing import filing
from prsnl.ai_processing.asking import LanguageModel
from prsnl.ai_processing.categorization_specs import SmartCategorization
from prsnl.ai_processing.categorizing import READ_CHARACTERS, Sortable
from prsnl.core.db import Db
from prsnl.engines.taxonomy.contract import Taxonomy
from prsnl.items import categories
from prsnl.wire.usage import QuoteBody
from prsnl.work import privacy
from prsnl.work.quoting import Quoter


def quoted(
    connection: Db,
    command: SmartCategorization,
    model: LanguageModel | None,
    taxonomy: Taxonomy,
    quoter: Quoter,
    *,
    owner: str,
) -> QuoteBody:
    """What it would take now: who has no text costs nothing."""
    texts = _texts(connection, command, owner)
    if (
        model is None
        or not taxonomy.categories
        or _stays(connection, command, model, owner)
    ):
        return QuoteBody.of_this_program(len(texts))
    purpose = model.prompts.get(filing.PROMPT).purpose
    planned = filing.planned(texts, model, taxonomy)
    return QuoteBody.of(
        quoter.quote(connection, model.endpoints[purpose], planned, purpose=purpose)
    )


def _texts(
    connection: Db, command: SmartCategorization, owner: str
) -> dict[int, Sortable]:
    known = categories.known(connection, command.item_ids, READ_CHARACTERS, owner=owner)
    found: dict[int, Sortable] = {}
    for number, one in enumerate(command.wanted, start=1):
        item = known.get(one.id) if one.id is not None else None
        text = one.content or (item.text if item else "")
        if text.strip():
            found[number] = Sortable(
                item_id=one.id,
                title=one.title or (item.title if item else ""),
                keywords=(),
                text=text[:READ_CHARACTERS],
                language=None,
            )
    return found


def _stays(
    connection: Db, command: SmartCategorization, model: LanguageModel, owner: str
) -> bool:
    """Whether none of it may go to the model."""
    told = command.model_dump(mode="json")
    return not model.is_here and (
        privacy.is_asked(told)
        or privacy.is_of_items(connection, privacy.ids_in(told), owner=owner)
    )
