"""How much of one PDF is looked at: a file that claims more is no document.

Time and memory are limited around the child, for each page and for all of it.
"""

from __future__ import annotations

from typing import Final

PAGES_MAX: Final = 100_000
#: A page with more characters is listed as failed.
PAGE_CHARACTERS_MAX: Final = 2_000_000
OUTLINE_MAX: Final = 2_000
OUTLINE_DEPTH_MAX: Final = 9
#: Of one page.
ANNOTATIONS_MAX: Final = 1_000
URL_BYTES_MAX: Final = 2_000
COMMENT_CHARACTERS_MAX: Final = 10_000
ATTACHED_FILES_MAX: Final = 50
#: Of one value of the metadata.
VALUE_CHARACTERS_MAX: Final = 1_000
XMP_BYTES_MAX: Final = 256 * 1024
