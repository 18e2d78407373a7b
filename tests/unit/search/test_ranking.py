"""Two rankings become one."""

from __future__ import annotations

from uuid import UUID

import pytest

from prsnl.core.errors import NotFoundError
from prsnl.search import cursor
from prsnl.search.meaning import Near
from prsnl.search.ranking import doubted, fused, spread
from prsnl.search.words import NOTHING, PageHit, WordHits

ITEM, OTHER = UUID(int=1), UUID(int=2)


def page(number: int, *, coverage: float = 1.0, exact: bool = False) -> PageHit:
    return PageHit(ITEM, number, 1, ITEM, coverage, coverage, exact)


def near(number: int, file: UUID = ITEM) -> Near:
    return Near(file, number, file, 0, 0.3)


def by_word(*pages: PageHit) -> WordHits:
    return WordHits(list(pages), {}, (), (), {})


def pages(found: WordHits, *meant: Near) -> list[int]:
    return [one.page for one in fused(found, meant, {})]


def test_what_both_find_is_before_what_one_finds() -> None:
    assert pages(by_word(page(1), page(2)), near(3), near(2)) == [2, 1, 3]


def test_a_word_by_the_way_does_not_outweigh_the_meaning() -> None:
    assert pages(by_word(page(1, coverage=0.4)), near(2)) == [2, 1]


def test_what_is_there_as_printed_is_first() -> None:
    assert pages(by_word(page(1), page(2, exact=True)), near(1), near(3))[0] == 2


def test_doubted_text_is_further_down() -> None:
    ranked = fused(by_word(page(1), page(2)), [], {})

    assert [one.page for one in doubted(ranked, {(ITEM, 1)})] == [2, 1]


def test_an_item_called_so_is_found_by_its_first_page() -> None:
    found = WordHits([], {ITEM: 0.6}, (), (), {})
    (hit,) = fused(found, [], {ITEM: (ITEM, 4)})

    assert (hit.page, hit.found_by) == (4, ["words"])


def test_one_long_item_leaves_room_for_others_and_tells_how_much_is_left() -> None:
    meant = [near(number) for number in range(1, 9)] + [near(1, OTHER)]
    shown = spread(fused(NOTHING, meant, {}))

    assert [(one.item_id.int, one.page) for one in shown] == [
        (1, 1),
        (1, 2),
        (1, 3),
        (2, 1),
    ]
    assert [one.more_in_item for one in shown] == [0, 0, 5, 0]


def test_pages_of_a_search_hold_each_hit_once_though_ranks_change_between() -> None:
    before = fused(by_word(*(page(number) for number in range(1, 7))), [], {})
    first = before[:3]
    told = cursor.after(frozenset(), first)
    # A new page has come in front, and two have changed their places.
    after = [*fused(by_word(page(9)), [], {}), before[4], *before[:4], before[5]]

    rest = cursor.unseen(after, cursor.read(told))

    assert [one.page for one in rest] == [9, 5, 4, 6]


@pytest.mark.parametrize("told", ["!", "abc", "é"])
def test_what_is_no_cursor_is_said(told: str) -> None:
    with pytest.raises(NotFoundError, match="begin again"):
        cursor.read(told)
