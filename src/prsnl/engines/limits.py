"""How much of a hostile file is looked at: every limit of the readers, said once.

A file beyond one of them gets a `TooLargeError` that names it, or is read as far as the
limit with a warning; the sandbox's own limits of memory, time and disk stand behind.
"""

from __future__ import annotations

from typing import Final

MIB: Final = 2**20

#: The table of contents of an archive; zipfile holds it in memory as a whole.
ARCHIVE_DIRECTORY_BYTES: Final = 16 * MIB
#: Members of an archive that is one document (DOCX, EPUB ...).
PACKAGE_MEMBERS: Final = 20_000
#: What the XML of one document may unpack to.
PACKAGE_XML_BYTES: Final = 128 * MIB
#: What may be unpacked of one picture or stream of a document.
PACKAGE_PART_BYTES: Final = 64 * MIB

#: Files that one container (mail, archive) hands on, over all its levels.
MEMBERS: Final = 1000
#: A container in a container in a container is opened; what is deeper is not.
MEMBER_DEPTH: Final = 3
#: One member, unpacked.
MEMBER_BYTES: Final = 256 * MIB
#: All members of one container together, unpacked: less than a child may write.
MEMBERS_BYTES: Final = 768 * MIB
#: A member beyond `MEMBER_RATIO_FROM_BYTES` may unpack to so many times its size.
MEMBER_RATIO: Final = 200
MEMBER_RATIO_FROM_BYTES: Final = 16 * MIB

#: Cells with something in them, of one workbook.
SHEET_CELLS: Final = 1_000_000
#: Cells of a grid that a library lays out in full, empty ones too.
SHEET_GRID_CELLS: Final = 16_000_000
#: A table that is wider has no Markdown; its text has every cell.
TABLE_COLUMNS: Final = 256
#: A table in a text (CSV).
TABLE_BYTES: Final = 64 * MIB
#: Empty cells that a table's Markdown may be filled up with, for each real one.
TABLE_PADDING: Final = 20
#: A repeated cell or row of an OpenDocument table counts so often at most.
REPEATED: Final = 1000

#: Groups of RTF, parts of a mail and lists within one another.
NESTING: Final = 100
#: A mail that is read; what came with it counts.
MAIL_BYTES: Final = 200 * MIB
#: A line of a mail's head that is looked at.
HEAD_CHARACTERS: Final = 20_000
#: Parts of one mail.
MAIL_PARTS: Final = 2000
#: A plain text or a log, read block by block.
TEXT_BYTES: Final = 512 * MIB
#: The text that is read of one document other than plain text and logs.
TEXT_CHARACTERS: Final = 64 * MIB

#: A dependency manifest or lock file that is looked into.
MANIFEST_BYTES: Final = 32 * MIB
#: Dependencies that are listed of one file.
DEPENDENCIES: Final = 20_000
