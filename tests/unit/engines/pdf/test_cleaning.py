"""What becomes of a text layer's hyphens, ligatures and spaces."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prsnl.engines.pdf.cleaning import JOINED, clean
from prsnl.engines.pdf.metadata import iso_date


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("the re-\nsult is", "the result is"),
        (f"the re{JOINED}sult is", "the result is"),
        ("the re\u00ad\nsult is", "the result is"),
        ("co\u00adoperate", "cooperate"),
        ("a T-\nShirt", "a T-Shirt"),
        ("in 2024-\n05", "in 2024-05"),
        ("state-of-the-\nart", "state-of-the-art"),
        ("a well-known, well-\nknown man", "a well-known, well-known man"),
        ("JavaScript and Java-\nScript", "JavaScript and JavaScript"),
        ("one -\ntwo", "one -\ntwo"),
        ("of\ufb01ce \ufb02ow a\ufb03x", "office flow affix"),
        ("x\u00b2 H\u2082O \u2116 \u00bd", "x\u00b2 H\u2082O \u2116 \u00bd"),
        ("a\u00a0 b\t c  \n d", "a b c\nd"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("a\x00b\x07c\ufffe", "abc"),
        ("a\r\nb", "a\nb"),
    ],
)
def test_a_text_layer_is_cleaned(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@settings(deadline=None)
@given(st.text(max_size=200))
def test_cleaning_twice_is_cleaning_once(raw: str) -> None:
    once = clean(raw)

    assert clean(once).split() == once.split()
    once.encode("utf-8")


def test_a_wall_of_hyphens_takes_linear_time() -> None:
    """Time that grows with the square of a page would be a way to hang a child."""
    assert clean("a-\n" * 200_000).startswith("a")
    assert clean("a" * 500_000 + "-\nb" * 1000)


@pytest.mark.parametrize(
    ("told", "iso"),
    [
        ("D:20240512103000+02'00'", "2024-05-12T10:30:00+02:00"),
        ("D:20240512103000Z", "2024-05-12T10:30:00+00:00"),
        ("20240512", "2024-05-12"),
        ("D:2024", "2024-01-01"),
        ("D:20241399", None),
        ("12 May 2024", None),
        ("", None),
    ],
)
def test_dates_of_a_pdf_become_iso(told: str, iso: str | None) -> None:
    assert iso_date(told) == iso
