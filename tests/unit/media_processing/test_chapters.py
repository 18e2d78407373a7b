"""Where speech turns from one thing to another."""

from __future__ import annotations

from itertools import count, pairwise

from prsnl.media_processing.chapters import Said, chapters_of_speech

BOATS = (
    "The harbour has boats with sails.",
    "Sailors mend the sails of their boats.",
    "A storm broke the mast of three boats in the harbour.",
    "The mast and the sails were mended by the sailors.",
)
BREAD = (
    "Bakers knead dough with flour and yeast.",
    "The dough rises in the oven until the bread is brown.",
    "Bread of rye flour needs more yeast in the dough.",
    "The oven of the bakers is hot before the bread goes in.",
)


def said(*topics: tuple[str, ...], each: int = 12, pause_s: float = 0.2) -> list[Said]:
    """Each topic for so many segments of ten seconds, with a pause between topics."""
    found: list[Said] = []
    at = 0.0
    for topic in topics:
        for number, _ in zip(count(), range(each), strict=False):
            found.append(Said(at, at + 9.8, topic[number % len(topic)]))
            at += 10.0
        at += pause_s
    return found


def test_a_turn_of_the_topic_begins_a_chapter_with_its_own_words() -> None:
    spoken = said(BOATS, BREAD)
    turn_s = spoken[12].start_s

    found = chapters_of_speech(spoken, duration_s=spoken[-1].end_s)

    assert [round(one.start_s, 1) for one in found] == [0.0, round(turn_s, 1)]
    assert found[0].end_s == found[1].start_s
    assert "boats" in (found[0].title or "")
    assert "dough" in (found[1].title or "") or "bread" in (found[1].title or "")


def test_one_topic_is_one_piece() -> None:
    spoken = said(BOATS, each=24)

    found = chapters_of_speech(spoken, duration_s=240.0)

    assert all(one.end_s - one.start_s >= 60 for one in found)
    assert chapters_of_speech(spoken[:10], duration_s=100.0) == ()
    assert chapters_of_speech([], duration_s=4000.0) == ()


def test_chapters_cover_the_recording_and_none_is_short() -> None:
    spoken = said(*[BOATS, BREAD] * 6, each=9, pause_s=4.0)
    end = spoken[-1].end_s + 5

    found = chapters_of_speech(
        spoken, duration_s=end, cuts_s=[one.start_s for one in spoken[9::9]]
    )

    assert found[0].start_s == 0.0
    assert found[-1].end_s == end
    assert all(one.end_s == other.start_s for one, other in pairwise(found))
    assert min(one.end_s - one.start_s for one in found) >= 60
    assert len(found) <= 21
