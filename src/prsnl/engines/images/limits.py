"""How much of a picture is looked at: every limit, said once."""

from __future__ import annotations

from typing import Final

#: A page of A0 at 300 dots an inch has 140 million.
PIXELS_MAX: Final = 150_000_000
#: Pages of one TIFF.
PAGES_MAX: Final = 5_000
#: One value of the metadata, in characters.
VALUE_CHARACTERS: Final = 200
