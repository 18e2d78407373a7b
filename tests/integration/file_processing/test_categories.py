"""Categories: suggested from words, meaning and neighbours, and kept with items."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import UUID

import pytest

from prsnl.ai_processing.categorization_specs import (
    SMART_CATEGORIZATION,
    ContentItem,
    SmartCategorization,
    SmartCategorized,
)
from prsnl.core.errors import NotFoundError
from prsnl.embedded.stack import StackUrls
from prsnl.engines.taxonomy.contract import CategoryDefinition, Taxonomy
from prsnl.items import categories, editing, store, taxonomies
from prsnl.items.categories import Source
from prsnl.items.editing import ItemChanges
from prsnl.items.models import ItemView
from prsnl.work.submit import submission
from tests.conftest import fresh_broker, fresh_database, wired
from tests.integration.file_processing.test_documents import Desk, working

LEASE = b"""The landlord will repaint the flat before the new tenants move in.
The deposit of the old tenants comes back in May, with the interest.
"""
#: Nothing of the taxonomy's words, and a meaning of its own.
BUOYS = """The buoy at the sand bank was moved by the gale and lies two cables north
of where the chart shows it. Number {} of the lights was out."""


@pytest.fixture(scope="module")
def desk(stack: StackUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), tmp_path_factory.mktemp("d"))
        yield from working(wiring)


def item_of(desk: Desk, item_id: UUID, owner: str) -> ItemView:
    with desk.database.connection() as connection:
        return store.item(connection, item_id, owner=owner)


def put(desk: Desk, name: str, text: bytes, owner: str) -> UUID:
    file = desk.put(name, text, owner)
    assert desk.process(file, owner).status == "success"
    return file.item_id


def set_by_hand(desk: Desk, item_id: UUID, category: str | None, owner: str) -> None:
    changes = ItemChanges.model_validate({"category": category})
    with desk.database.connection() as connection:
        editing.change(connection, item_id, changes, owner=owner)


def categorized(
    desk: Desk, *wanted: UUID | ContentItem, owner: str
) -> SmartCategorized:
    command = SmartCategorization(content_items=wanted)
    task = desk.run(submission(SMART_CATEGORIZATION, command, owner=owner))
    assert task.status == "success", task.error
    assert (task.current, task.percentage) == (task.total, 100.0)
    return SmartCategorized.model_validate(task.result)


def test_a_document_is_filed_when_it_is_read(desk: Desk) -> None:
    item = item_of(desk, put(desk, "note.txt", LEASE, "ada"), "ada")

    assert (item.category, item.category_source) == ("housing", "suggested")
    assert item.category_confidence is not None
    assert item.category_confidence > 0.8
    assert item.category_reason is not None
    assert "landlord" in item.category_reason


def test_texts_and_items_are_categorized_in_one_call(desk: Desk) -> None:
    item_id = put(desk, "buoy.txt", BUOYS.format(1).encode(), "ben")

    told = categorized(
        desk,
        item_id,
        ContentItem(content="Knead flour and butter to a dough, bake it in the oven."),
        ContentItem(content="Seven windows are lit, and one is not."),
        owner="ben",
    )

    assert [one.category for one in told.items] == [
        "uncategorised",
        "food",
        "uncategorised",
    ]
    assert (told.categorized, told.uncategorized, told.failed) == (1, 2, 0)
    assert told.items[0].item_category == "uncategorised"


def test_what_a_person_has_filed_draws_what_is_like_it(desk: Desk) -> None:
    first = put(desk, "one.txt", BUOYS.format(1).encode(), "cleo")
    second = put(desk, "two.txt", BUOYS.format(2).encode(), "cleo")
    assert item_of(desk, second, "cleo").category == "uncategorised"
    set_by_hand(desk, first, "travel", "cleo")

    (told,) = categorized(desk, second, owner="cleo").items

    assert (told.category, told.item_category) == ("travel", "travel")
    assert told.reason is not None
    assert "1 item like it is filed there, 1 of them by you" in told.reason
    (of_another,) = categorized(
        desk, ContentItem(content=BUOYS.format(3)), owner="dora"
    ).items
    assert of_another.category == "uncategorised"


def test_a_persons_word_stays(desk: Desk) -> None:
    item_id = put(desk, "lease.txt", LEASE, "emil")
    set_by_hand(desk, item_id, "legal", "emil")

    (told,) = categorized(desk, item_id, owner="emil").items

    assert told.category == "housing"
    assert (told.item_category, told.item_category_source) == ("legal", "user")
    set_by_hand(desk, item_id, None, "emil")
    categorized(desk, item_id, owner="emil")
    assert item_of(desk, item_id, "emil").category is None


def test_a_suggestion_that_waits_for_a_persons_change_gives_way(desk: Desk) -> None:
    """Whoever comes second must look at what the first has made of the row."""
    item_id = put(desk, "lease.txt", LEASE, "fay")
    kept: list[bool] = []

    def suggest() -> None:
        with desk.database.connection() as connection:
            kept.append(
                categories.suggest(
                    connection,
                    item_id,
                    "food",
                    confidence=1.0,
                    source=Source.LLM,
                    reason="A test.",
                )
            )

    with desk.database.connection() as connection:
        with connection.transaction():
            editing.change(
                connection, item_id, ItemChanges(category="legal"), owner="fay"
            )
            other = threading.Thread(target=suggest)
            other.start()
            other.join(0.3)
            assert other.is_alive()
        other.join(20)

    assert kept == [False]
    assert item_of(desk, item_id, "fay").category == "legal"


def test_a_guess_does_not_undo_what_an_llm_has_read(desk: Desk) -> None:
    item_id = put(desk, "lease.txt", LEASE, "gil")
    with desk.database.connection() as connection:
        categories.suggest(
            connection,
            item_id,
            "legal",
            confidence=0.9,
            source=Source.LLM,
            reason="A test.",
        )

    (told,) = categorized(desk, item_id, owner="gil").items

    assert (told.category, told.item_category) == ("housing", "legal")


def test_an_owner_sorts_by_his_own_taxonomy(desk: Desk) -> None:
    own = Taxonomy(
        categories=(
            CategoryDefinition(
                name="Seamarks", description="Buoys and lights.", words=("buoy*",)
            ),
            CategoryDefinition(name="Else", description="All other things."),
        ),
        document_types=(),
    )
    with desk.database.connection() as connection:
        taxonomies.save(connection, own, default=desk.wiring.taxonomy, owner="hugo")

    item = item_of(
        desk, put(desk, "buoy.txt", BUOYS.format(1).encode(), "hugo"), "hugo"
    )

    assert item.category == "Seamarks"
    assert item.attachments[0].document_type is None


def test_what_has_no_text_is_told_and_holds_nothing_up(desk: Desk) -> None:
    empty = desk.put("unread.txt", b"not read yet", "ida").item_id

    told = categorized(desk, empty, ContentItem(content=LEASE.decode()), owner="ida")

    assert told.items[0].problem is not None
    assert told.items[0].problem.startswith("This item has no text yet")
    assert (told.items[1].category, told.failed) == ("housing", 1)


def test_only_ones_own_items_are_there(desk: Desk) -> None:
    item_id = desk.put("a.txt", b"Ada's", "ada").item_id

    with (
        desk.database.connection() as connection,
        pytest.raises(NotFoundError, match=f"no such item: {item_id}"),
    ):
        categories.require(connection, [item_id], owner="ben")
