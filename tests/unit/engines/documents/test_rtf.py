"""RTF: letters of every alphabet, tables, lists, notes, and nothing that is hidden."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prsnl.core.errors import CorruptError, PrsnlError, TooLargeError
from prsnl.engines.documents import rtf
from tests.unit.engines.documents.reading import markdown_of, read, text_of

HEAD = r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Arial;}{\f1\fcharset204 Cyr;}}"


def file(body: str) -> bytes:
    return f"{HEAD}{body}}}".encode("latin-1")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (r"Gr\'fc\'dfe\par & <all>", "Grüße\n\n& <all>"),
        (r"\u8364? and \u-10179?\u-8704? end", "€ and 😀 end"),
        (r"{\uc2\u8364xy}z", "€z"),
        (r"{\f1 \'cf\'f0\'e8\'e2\'e5\'f2}", "Привет"),
        (r"a\tab b\line c", "a b\nc"),
        (r"curly \{ \} \\ \~x\_y", "curly { } \\ x-y"),
        (r"seen{\v hidden}{\deleted gone} again", "seen again"),
        (r"{\field{\*\fldinst HYPERLINK x}{\fldrslt the link}}", "the link"),
        (r"a{\*\unknown words}b{\pict 0123ff}c", "abc"),
        ("raw \xe9 byte", "raw é byte"),
        (r"\'8e\'a9", "Ž©"),
        (r"body{\footnote A note.}{\header Head}{\footer Foot}", ""),
        ("", ""),
    ],
)
def test_words_are_read(tmp_path: Path, body: str, text: str) -> None:
    said = text_of(tmp_path, "rtf", file(body))

    if "footnote" in body:
        assert said == "Head\n\nbody\n\nA note.\n\nFoot"
    else:
        assert said == text


def test_bytes_of_two_make_one_letter(tmp_path: Path) -> None:
    data = rb"{\rtf1\ansicpg932 \'82\'a0\'82\'a2}"

    assert text_of(tmp_path, "rtf", data) == "あい"


def test_headings_lists_and_tables_are_known(tmp_path: Path) -> None:
    body = (
        r"{\stylesheet{\s1 heading 1;}{\s2 Normal;}}"
        r"\pard\s1 The head\par\pard\s2 Words.\par"
        r"\pard\ls1{\listtext\bullet\tab}first\par\pard\ls1\ilvl1 deeper\par"
        r"\pard\intbl a|b\cell c\cell\row\intbl 1\cell 2\cell\row\pard after\par"
    )

    assert markdown_of(tmp_path, "rtf", file(body)) == (
        "# The head\n\nWords.\n\n- first\n\n  - deeper\n\n"
        "| a\\|b | c |\n| --- | --- |\n| 1 | 2 |\n\nafter"
    )


def test_properties_are_told(tmp_path: Path) -> None:
    body = r"{\info{\title A title}{\author Ada}{\creatim\yr2025\mo4\dy3\hr9}}x"

    info, parts = read(tmp_path, "rtf", file(body))

    assert info.metadata == {
        "title": "A title",
        "author": "Ada",
        "created_at": "2025-04-03",
    }
    assert parts[0].text == "x"


def test_groups_without_end_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TooLargeError, match="deep"):
        read(tmp_path, "rtf", b"{\\rtf1 " + b"{" * 1_000_000)


def test_bytes_of_a_picture_are_stepped_over(tmp_path: Path) -> None:
    data = rb"{\rtf1 a{\pict\bin5 }}}}}}b}"

    assert text_of(tmp_path, "rtf", data) == "ab"


def test_what_is_no_rtf_is_corrupt(tmp_path: Path) -> None:
    with pytest.raises(CorruptError):
        read(tmp_path, "rtf", b"plain words")


PIECES = (
    *("{", "}", "\\par", "\\cell", "\\row", "\\u9999999999 ", "\\'zz", "\\'e9"),
    *("\\bin-5 ", "\\*", "\\intbl", "\\s1", "\\stylesheet", "\\footnote", "\\info"),
    *("\\title", "word ", "\\uc0", "\\v", "\\f1", "\\", "\\u-1 ", "\\yr2", "\\ud"),
    *("\\fcharset128", "\\ansicpg7", "\\listtext", "\\outlinelevel99"),
)


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=60))
def test_any_rtf_is_read_or_refused_by_name(pieces: list[str]) -> None:
    try:
        blocks, _ = rtf.parsed(("{\\rtf1 " + "".join(pieces)).encode())
    except PrsnlError:
        return
    assert all(block.text.strip() for block in blocks)
