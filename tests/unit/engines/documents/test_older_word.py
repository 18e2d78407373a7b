"""DOC: the text of Word 97, by its own tables."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from prsnl.core.errors import CorruptError, EncryptedError, UnsupportedError
from tests.fakes.ole_files import doc_file, ole_file
from tests.unit.engines.documents.reading import read, text_of

FIELD = 'see \x13 HYPERLINK "http://x.example" \x14the page\x15.'


def test_paragraphs_fields_and_signs_are_read(tmp_path: Path) -> None:
    text = f"Grüße & <more> 😀\r{FIELD}\rline\x0bbreak\x01\r\x1e\x1fx\r"

    assert text_of(tmp_path, "doc", doc_file(text)) == (
        "Grüße & <more> 😀\n\nsee the page.\n\nline\nbreak\n\n-x"
    )


def test_notes_and_headers_are_told_in_their_place(tmp_path: Path) -> None:
    parts = {0: 5, 1: 6, 2: 5, 4: 5}
    text = "body\r" + "note.\r" + "head\r" + "why?\r"

    assert text_of(tmp_path, "doc", doc_file(text, parts=parts)) == (
        "head\n\nbody\n\nnote.\n\nComment: why?"
    )


def test_a_document_under_a_password_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncryptedError, match="password"):
        read(tmp_path, "doc", doc_file("x\r", flags=0x0300))


def test_a_document_of_word_95_is_named(tmp_path: Path) -> None:
    main = struct.pack("<HH", 0xA5DC, 0x65).ljust(4096, b"\0")

    with pytest.raises(UnsupportedError, match="Word 95"):
        read(tmp_path, "doc", ole_file({"WordDocument": main}))


@pytest.mark.parametrize("cut", [100, 513, 1500, 2600])
def test_one_that_is_cut_off_is_corrupt(tmp_path: Path, cut: int) -> None:
    with pytest.raises(CorruptError):
        read(tmp_path, "doc", doc_file("word " * 900 + "\r")[:cut])


def test_pieces_that_repeat_the_text_are_no_bomb(tmp_path: Path) -> None:
    """A table may name one place of the text a million times."""
    count = 20_000
    text = "x" * 5000
    pieces = b"".join(struct.pack("<I", 5000 * n) for n in range(count + 1))
    pieces += struct.pack("<HIH", 0, 2048, 0) * count
    clx = b"\x02" + struct.pack("<I", len(pieces)) + pieces
    main = bytearray(2048)
    struct.pack_into("<HH", main, 0, 0xA5EC, 0xC1)
    struct.pack_into("<H", main, 0x0A, 0x0200)
    struct.pack_into("<II", main, 0x1A2, 0, len(clx))
    data = ole_file(
        {"WordDocument": bytes(main) + text.encode("utf-16-le"), "1Table": clx}
    )

    with pytest.raises(CorruptError, match="repeats"):
        read(tmp_path, "doc", data)
