"""A category from words, meaning and neighbours: how they weigh together."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import pytest

from prsnl.ai_processing.suggestion import Hint, Suggestion, suggested
from prsnl.engines.contracts import CategoryEvidence, Profile
from prsnl.engines.taxonomy.reading import parsed, shipped
from prsnl.engines.text.keywords import keywords
from prsnl.engines.text.profile import Told, profile_of
from prsnl.items.categories import Neighbour, Source
from tests.fakes.sorted_texts import FILED, Filed

CATEGORIES = parsed(shipped()).categories
PROFILE = Profile(
    engine="test",
    evidence=(CategoryEvidence(name="sea"), CategoryEvidence(name="land")),
)


def near(category: str, similarity: float, source: Source = Source.USER) -> Neighbour:
    return Neighbour(
        item_id=uuid4(), category=category, source=source, similarity=similarity
    )


def filed(one: Filed) -> Suggestion:
    told = Told(
        title="",
        keywords=[word for word, _ in keywords(one.text, one.language)],
        text=one.text,
    )
    profile = profile_of(told, CATEGORIES, engine="test")
    return suggested(profile, [], language=one.language)


def test_short_texts_of_every_category_are_filed_on_an_empty_store() -> None:
    outcomes: Counter[str] = Counter()
    for one in FILED:
        found = filed(one)
        is_right = found.category == (one.category or "uncategorised")
        outcomes["right"] += is_right
        outcomes["surely wrong"] += not is_right and found.confidence >= 0.8

    assert outcomes["surely wrong"] == 0
    assert outcomes["right"] >= 0.9 * len(FILED)
    assert {one.category for one in FILED} >= {one.name for one in CATEGORIES}


def test_without_anything_it_is_uncategorised() -> None:
    found = suggested(PROFILE, [])

    assert (found.category, found.source) == ("uncategorised", "suggested")
    assert found.reason == "Nothing in it says what it is about."
    assert suggested(Profile(engine="test"), []).confidence == 0


def test_a_near_neighbour_that_a_person_filed_is_enough() -> None:
    found = suggested(PROFILE, [near("land", 0.9)])

    assert found.category == "land"
    assert found.reason == "1 item like it is filed there, 1 of them by you."


@pytest.mark.parametrize(
    "neighbours",
    [
        [near("land", 0.3)],
        [near("land", 0.9, Source.SUGGESTED)],
        [near("land", 0.8), near("sea", 0.8)],
    ],
    ids=["far", "a guess of ours", "as near to the other"],
)
def test_what_says_little_suggests_nothing(neighbours: list[Neighbour]) -> None:
    assert suggested(PROFILE, neighbours).category == "uncategorised"


def test_a_persons_word_outweighs_our_own_guesses() -> None:
    """Else one wrong guess would draw the next ones after it."""
    guesses = [near("sea", 0.8, Source.SUGGESTED) for _ in range(2)]

    found = suggested(PROFILE, [*guesses, near("land", 0.85), near("land", 0.8)])

    assert found.category == "land"


def test_a_document_type_speaks_for_its_category() -> None:
    words = CategoryEvidence(name="sea", words=("boat*",), points=1.0)
    profile = Profile(engine="test", evidence=(words, PROFILE.evidence[1]))

    assert suggested(profile, []).category == "uncategorised"
    found = suggested(profile, [], hint=Hint("logbook", "sea", 1.0))

    assert found.category == "sea"
    assert found.reason == (
        "It is of the type logbook; the text says \u201cboat\u2026\u201d."
    )
