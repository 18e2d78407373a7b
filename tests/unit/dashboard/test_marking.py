"""Marked text: every mark in its place, and nothing else but text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from prsnl.dashboard.marking import Span, rendered, signed, unsigned
from prsnl.dashboard.texts import flowing


def marked(text: str, *spans: Span) -> str:
    return str(rendered(signed(text, spans), spans))


def plain(html: str) -> str:
    """What a reader of it sees."""
    text = re.sub("<[^>]*>", "", html)
    for sign, entity in (("<", "lt"), (">", "gt"), ('"', "#34"), ("'", "#39")):
        text = text.replace(f"&{entity};", sign)
    return text.replace("&amp;", "&")


def test_a_found_word_is_marked_and_a_doubted_one_says_how_sure() -> None:
    html = marked("a kettle boils", Span(2, 8), Span(9, 14, "40 % sure"))

    assert html == (
        'a <mark>kettle</mark> <span class="doubt" title="40 % sure">boils</span>'
    )


def test_a_word_may_be_found_and_doubted() -> None:
    html = marked("a kettle boils", Span(2, 8), Span(2, 8, "40 % sure"))

    assert html.count("<mark>kettle</mark>") == 1
    assert html.count('class="doubt"') == 1


def test_two_doubts_side_by_side_keep_their_own_words() -> None:
    html = marked("onetwo", Span(0, 3, "10 % sure"), Span(3, 6, "20 % sure"))

    assert 'title="10 % sure">one<' in html
    assert 'title="20 % sure">two<' in html


def test_marks_stay_where_lines_are_joined() -> None:
    full = "the landlord lets the flat on the second floor to the tenant named"
    text = f"{full}\nKettle, who moves in\n{full}"
    spans = [Span(len(full) + 1, len(full) + 7)]

    html = str(rendered(flowing(signed(text, spans)), spans))

    assert "named <mark>Kettle</mark>, who" in html


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60),
    st.lists(st.tuples(st.integers(-3, 70), st.integers(-3, 70), st.booleans())),
)
def test_no_text_becomes_a_tag_and_no_letter_is_lost(
    text: str, places: list[tuple[int, int, bool]]
) -> None:
    spans = [Span(a, b, "50 % sure" if is_doubt else None) for a, b, is_doubt in places]
    html = marked(text, *spans)
    signs = re.compile("[\ue000-\ue003]")

    assert plain(html) == signs.sub("\ufffd", text)
    assert {*re.findall(r"</?(\w+)", html)} <= {"mark", "span"}
    assert unsigned(signed(text, spans)) == signs.sub("\ufffd", text)
