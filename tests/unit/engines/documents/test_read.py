"""Text, Markdown, HTML and DOCX, each with its own traps."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prsnl.core.errors import CorruptError, EncryptedError, UnsupportedError
from prsnl.engines import documents
from prsnl.engines.contracts import DocumentInfo, PageText
from prsnl.engines.documents.decoding import decode_text
from prsnl.engines.documents.parts import Block, blocks_of, document
from tests.fakes.child_files import FolderFiles
from tests.fakes.docx_files import W, docx_file, paragraph


def read(folder: Path, kind: str, data: bytes) -> tuple[DocumentInfo, list[PageText]]:
    (folder / "blob").write_bytes(data)
    info, *parts = documents.read(
        FolderFiles(folder, folder), {"path": "blob", "kind": kind}
    )
    return DocumentInfo.model_validate(info), [
        PageText.model_validate(part) for part in parts
    ]


def test_a_kind_that_nobody_reads_is_named(tmp_path: Path) -> None:
    asked = {"path": "x", "kind": "swf", "description": "Flash program"}

    with pytest.raises(
        UnsupportedError, match=r"\(Flash program\) are not read: this version reads"
    ):
        next(documents.read(FolderFiles(tmp_path, tmp_path), asked))


def test_a_locked_office_document_asks_for_one_without_a_password(
    tmp_path: Path,
) -> None:
    with pytest.raises(EncryptedError, match="password"):
        next(
            documents.read(
                FolderFiles(tmp_path, tmp_path),
                {"path": "x", "kind": documents.LOCKED_OFFICE},
            )
        )


def test_only_pages_have_a_thumbnail(tmp_path: Path) -> None:
    asked = {"path": "x", "kind": "text", "width": 320}

    assert not list(documents.thumbnail(FolderFiles(tmp_path, tmp_path), asked))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_text_of_any_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    data = "Grüße aus Köln, schöne Straße.\r\nZweite Zeile.".encode(encoding)

    _, parts = read(tmp_path, "text", data)

    assert parts[0].text == "Grüße aus Köln, schöne Straße.\nZweite Zeile."


def test_bytes_that_are_no_text_are_corrupt(tmp_path: Path) -> None:
    with pytest.raises(CorruptError):
        read(tmp_path, "text", bytes(range(256)) * 4)


@settings(deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_text_or_not(data: bytes, whole: bool) -> None:  # noqa: FBT001
    text = decode_text(data, whole=whole)

    assert text is None or isinstance(text, str)


def test_a_long_text_comes_in_parts_at_paragraphs(tmp_path: Path) -> None:
    paragraphs = [f"Paragraph {n} " + "word " * 80 for n in range(60)]

    info, parts = read(tmp_path, "text", "\n\n".join(paragraphs).encode())

    assert info.page_count == len(parts) > 3
    assert all(len(part.text) < 8000 for part in parts)
    together = "\n\n".join(part.text for part in parts)
    assert together.split() == " ".join(paragraphs).split()


@settings(deadline=None)
@given(st.text(max_size=9000))
def test_no_word_is_lost_between_parts(text: str) -> None:
    frames = list(document(blocks_of(text), metadata={}, engine="e", reason="r"))

    said = "".join(str(frame["text"]) for frame in frames[1:])
    assert "".join(said.split()) == "".join(text.split())


def test_a_paragraph_without_end_is_divided() -> None:
    frames = list(
        document([Block(text="x" * 20_000)], metadata={}, engine="e", reason="r")
    )

    assert len(frames) > 3


def test_markdown_gives_words_and_keeps_its_source(tmp_path: Path) -> None:
    source = (
        '---\ntitle: "My note"\ndate: 2026-03-04\n---\n\n# Heading *one*\n\n'
        "Words in **bold** and a [link](http://x.example) &amp; more.\n\n"
        "- item\n  - nested\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "<!-- hidden -->\n\n```py\nprint(1)\n```\n\nSub\n---\n"
    )

    info, parts = read(tmp_path, "markdown", source.encode())

    assert info.metadata == {"title": "My note", "date": "2026-03-04"}
    assert [(one.level, one.text) for one in info.headings] == [
        (1, "Heading one"),
        (2, "Sub"),
    ]
    assert parts[0].text == (
        "Heading one\n\nWords in bold and a link & more.\n\nitem\nnested\n\n"
        "a\tb\n1\t2\n\nprint(1)\n\nSub"
    )
    assert parts[0].markdown is not None
    assert "**bold**" in parts[0].markdown
    assert "hidden" not in parts[0].markdown


def test_html_gives_what_a_reader_sees(tmp_path: Path) -> None:
    page = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="windows-1252">'
        "<title>My &amp; title</title><meta name=author content='J. Doe'>"
        "<style>p{}</style><script>var a='SCRIPT';</script></head><body>"
        "<h1>Big <em>heading</em></h1><p>Caf\xe9 &eacute;&nbsp;&#8364;<br>next"
        "<noscript>NO</noscript><template>NO</template><p hidden>NO</p><!-- NO -->"
        "<h2>Sub</h2><ul><li>one<li>two</ul><table><tr><th>A<th>B<tr><td>1<td>2"
        "</table><pre>a\n  b</pre><svg><text>NO</text></svg><footer>Foot</footer>"
    )

    info, parts = read(tmp_path, "html", page.encode("cp1252"))

    assert info.metadata == {
        "language": "en",
        "title": "My & title",
        "author": "J. Doe",
    }
    assert [(one.level, one.text) for one in info.headings] == [
        (1, "Big heading"),
        (2, "Sub"),
    ]
    assert parts[0].text == (
        "Big heading\n\nCafé é €\nnext\n\nSub\n\none\n\ntwo\n\nA\tB\n1\t2\n\n"
        "a\n  b\n\nFoot"
    )
    assert parts[0].markdown is not None
    assert "| A | B |\n| --- | --- |\n| 1 | 2 |" in parts[0].markdown


@pytest.mark.parametrize(
    "page",
    [
        "<table><tr><td>x",
        "</p></table></ul>",
        "<table><table><td>a</table>b",
        "<a href='http://x.example'>y",
        "<b>" * 3000,
        "<script>never closed",
        "<title>never closed",
    ],
)
def test_broken_html_does_no_harm(tmp_path: Path, page: str) -> None:
    info, _ = read(tmp_path, "html", page.encode())

    assert info.page_count == 1


def test_docx_gives_headings_lists_and_tables(tmp_path: Path) -> None:
    item = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
    body = (
        paragraph("Main", '<w:pStyle w:val="T"/>')
        + paragraph("Part", '<w:pStyle w:val="Own"/>')
        + paragraph("a &lt;tag&gt; &amp; more")
        + paragraph("first", item)
        + paragraph("second", item)
        + "<w:tbl><w:tr><w:tc>"
        + paragraph("A")
        + "</w:tc><w:tc>"
        + paragraph("B")
        + "</w:tc></w:tr><w:tr><w:tc>"
        + paragraph("1")
        + "</w:tc><w:tc>"
        + paragraph("x|y")
        + "</w:tc></w:tr></w:tbl>"
    )

    info, parts = read(tmp_path, "docx", docx_file(body))

    assert [(one.level, one.text) for one in info.headings] == [
        (1, "Main"),
        (2, "Part"),
    ]
    assert info.metadata["author"] == "Ada"
    assert parts[0].text == (
        "Main\n\nPart\n\na <tag> & more\n\nfirst\n\nsecond\n\nA\tB\n1\tx|y"
    )
    assert parts[0].markdown == (
        "# Main\n\n## Part\n\na <tag> & more\n\n1. first\n\n2. second\n\n"
        "| A | B |\n| --- | --- |\n| 1 | x\\|y |"
    )


def test_docx_shows_what_a_reader_sees(tmp_path: Path) -> None:
    """Deleted and hidden text, codes of fields and doubled text boxes stay away."""
    body = (
        "<w:p><w:r><w:t>kept</w:t></w:r><w:ins><w:r><w:tab/><w:t>new</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>"
        "<w:r><w:instrText>PAGE</w:instrText></w:r><w:r><w:br/><w:t>below</w:t></w:r>"
        "<w:r><mc:AlternateContent><mc:Choice><w:txbxContent>"
        + paragraph("boxed")
        + "</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>"
        + paragraph("boxed")
        + "</w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    parts_of_file = {
        "word/header1.xml": f'<w:hdr xmlns:w="{W}">{paragraph("Letterhead")}</w:hdr>',
        "word/header2.xml": f'<w:hdr xmlns:w="{W}">{paragraph("Letterhead")}</w:hdr>',
        "word/footnotes.xml": f'<w:footnotes xmlns:w="{W}"><w:footnote>'
        f"{paragraph('A note')}</w:footnote></w:footnotes>",
    }

    _, parts = read(tmp_path, "docx", docx_file(body, parts_of_file))

    assert parts[0].text == "Letterhead\n\nkept new\nbelow\n\nboxed\n\nA note"


def test_a_damaged_docx_is_corrupt(tmp_path: Path) -> None:
    whole = docx_file(paragraph("words " * 500))

    for data in (
        whole[: len(whole) // 2],
        whole.replace(b"word/document.xml", b"word/dokument.xml"),
        docx_file("<w:p>"),
        docx_file(
            "", {"word/document.xml": '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}
        ),
        docx_file("<w:sdt>" * 5000 + "</w:sdt>" * 5000),
    ):
        with pytest.raises(CorruptError):
            read(tmp_path, "docx", data)
    with pytest.raises(EncryptedError):
        read(tmp_path, "docx", b"\xd0\xcf\x11\xe0" + bytes(600))
