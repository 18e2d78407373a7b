"""The palette, light and dark: what is written can be read on what it stands on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from prsnl import dashboard

SHEET: Final = Path(dashboard.__file__).parent / "assets" / "page.css"
#: WCAG 2.2, 1.4.3 for text; 1.4.11 for what is no text: a focus, a bar.
TEXT, SHAPE = 4.5, 3.0
PAIRS: Final = [
    *(
        (ink, ground, TEXT)
        for ink in ("ink", "soft", "accent", "bad")
        for ground in ("paper", "card")
    ),
    ("accent", "accent-soft", TEXT),
    ("good", "good-soft", TEXT),
    ("bad", "bad-soft", TEXT),
    ("wait", "wait-soft", TEXT),
    ("soft", "quiet-soft", TEXT),
    ("ink", "quiet-soft", TEXT),
    ("ink", "accent-soft", TEXT),
    ("ink", "wait-soft", TEXT),
    ("on-accent", "accent", TEXT),
    ("focus", "paper", SHAPE),
    ("focus", "card", SHAPE),
    *((bar, "card", SHAPE) for bar in ("good", "bad", "wait", "accent")),
]


def palette(sheet: str, *, is_dark: bool) -> dict[str, str]:
    """The colours by name."""
    light, _, rest = sheet.partition("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    dark = re.findall(r"--([\w-]+): (#[0-9a-f]{6});", rest)
    return {**found, **dict(dark)} if is_dark else found


def contrast(one: str, other: str) -> float:
    """As WCAG computes it: 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_every_colour_is_told_from_its_ground(
    ink: str, ground: str, least: float, *, is_dark: bool
) -> None:
    colours = palette(SHEET.read_text(), is_dark=is_dark)

    assert contrast(colours[ink], colours[ground]) >= least


def test_contrast_is_measured_as_it_should_be() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
