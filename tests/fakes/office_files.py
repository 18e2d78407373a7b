"""PPTX, XLSX, OpenDocument, EPUB and ZIP files written by hand."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"
ODF_NAMES = (
    " ".join(
        f'xmlns:{short}="{_ODF}:{long}:1.0"'
        for short, long in {
            "office": "office",
            "text": "text",
            "table": "table",
            "draw": "drawing",
            "presentation": "presentation",
            "style": "style",
            "meta": "meta",
        }.items()
    )
    + ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"'
)


def zip_file(
    members: Mapping[str, str | bytes], *, stored: Sequence[str] = ()
) -> bytes:
    """An archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            kind = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            archive.writestr(name, content, compress_type=kind)
    return buffer.getvalue()


def relations(*targets: tuple[str, str]) -> str:
    """A part's relationships: kind and target, with the ids rId1, rId2 ..."""
    rows = "".join(
        f'<Relationship Id="rId{number}" Type="{R}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}">{rows}</Relationships>'


def paragraph(text: str, properties: str = "") -> str:
    """A paragraph of a drawing."""
    return f"<a:p>{properties}<a:r><a:t>{text}</a:t></a:r></a:p>"


def shape(body: str, placeholder: str | None = None) -> str:
    """A shape of a slide; a placeholder where its type is given."""
    mark = "" if placeholder is None else f'<p:ph type="{placeholder}"/>'
    return (
        f"<p:sp><p:nvSpPr><p:nvPr>{mark}</p:nvPr></p:nvSpPr>"
        f"<p:txBody>{body}</p:txBody></p:sp>"
    )


def slide(shapes: str, *, root: str = "sld", attributes: str = "") -> str:
    """A slide, or its notes page."""
    return (
        f'<p:{root} xmlns:p="{P}" xmlns:a="{A}" {attributes}><p:cSld><p:spTree>{shapes}'
        f"</p:spTree></p:cSld></p:{root}>"
    )


def pptx_file(slides: Sequence[str], parts: Mapping[str, str] | None = None) -> bytes:
    """A presentation; the order of the slides is the reverse of their names."""
    names = [f"slides/slide{len(slides) - n}.xml" for n in range(len(slides))]
    ids = "".join(
        f'<p:sldId id="{256 + n}" r:id="rId{n}"/>' for n in range(1, len(slides) + 1)
    )
    return zip_file(
        {
            "[Content_Types].xml": "<Types/>",
            "ppt/presentation.xml": f'<p:presentation xmlns:p="{P}" xmlns:r="{R}">'
            f"<p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": relations(
                *[("slide", name) for name in names]
            ),
            **{f"ppt/{name}": one for name, one in zip(names, slides, strict=True)},
            **(parts or {}),
        }
    )


def xlsx_file(
    sheets: Mapping[str, str],
    *,
    strings: Sequence[str] = (),
    styles: str = "",
    hidden: Sequence[str] = (),
    parts: Mapping[str, str] | None = None,
) -> bytes:
    """A workbook: name of a sheet -> the XML of its rows."""
    names = [f"worksheets/sheet{n}.xml" for n in range(1, len(sheets) + 1)]
    states = dict.fromkeys(hidden, 'state="hidden"')
    told = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}" {states.get(name, "")}/>'
        for n, name in enumerate(sheets, 1)
    )
    shared = "".join(f"<si><t>{one}</t></si>" for one in strings)
    return zip_file(
        {
            "[Content_Types].xml": "<Types/>",
            "xl/workbook.xml": f'<workbook xmlns="{S}" xmlns:r="{R}"><sheets>{told}'
            "</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": relations(
                *[("worksheet", name) for name in names]
            ),
            "xl/sharedStrings.xml": f'<sst xmlns="{S}">{shared}</sst>',
            "xl/styles.xml": f'<styleSheet xmlns="{S}">{styles}</styleSheet>',
            **{
                f"xl/{name}": f'<worksheet xmlns="{S}"><sheetData>{rows}</sheetData>'
                "</worksheet>"
                for name, rows in zip(names, sheets.values(), strict=True)
            },
            **(parts or {}),
        }
    )


def odf_file(
    kind: str, body: str, *, styles: str = "", master: str = "", meta: str = ""
) -> bytes:
    """An OpenDocument file: "text", "spreadsheet" or "presentation"."""
    members = {
        "mimetype": f"application/vnd.oasis.opendocument.{kind}",
        "content.xml": f"<office:document-content {ODF_NAMES}>"
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
        "</office:document-content>",
        "styles.xml": f"<office:document-styles {ODF_NAMES}><office:master-styles>"
        f"{master}</office:master-styles></office:document-styles>",
        "meta.xml": f"<office:document-meta {ODF_NAMES}><office:meta>{meta}"
        "</office:meta></office:document-meta>",
    }
    return zip_file(members, stored=["mimetype"])


def epub_file(
    chapters: Mapping[str, str],
    *,
    spine: Sequence[str] | None = None,
    contents: Mapping[str, str] | None = None,
    parts: Mapping[str, str] | None = None,
) -> bytes:
    """A book: name of a file -> its HTML; the spine is in that order, or as told."""
    items = "".join(
        f'<item id="{n}" href="{name}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(chapters)
    )
    numbers = {name: n for n, name in enumerate(chapters)}
    refs = "".join(
        f'<itemref idref="{numbers.get(one, one)}"/>' for one in spine or chapters
    )
    points = "".join(
        f"<navPoint><navLabel><text>{title}</text></navLabel>"
        f'<content src="{name}#x"/></navPoint>'
        for name, title in (contents or {}).items()
    )
    return zip_file(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": "<container><rootfiles><rootfile "
            'full-path="OEBPS/book.opf"/></rootfiles></container>',
            "OEBPS/book.opf": '<package xmlns:dc="http://purl.org/dc/elements/1.1/">'
            "<metadata><dc:title>A book</dc:title><dc:creator>Ada</dc:creator>"
            "<dc:language>en</dc:language></metadata><manifest>"
            '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
            f"{items}</manifest><spine>{refs}</spine></package>",
            "OEBPS/toc.ncx": '<!DOCTYPE ncx PUBLIC "x" "http://x.example/ncx.dtd">'
            f"<ncx><navMap>{points}</navMap></ncx>",
            **{f"OEBPS/{name}": page for name, page in chapters.items()},
            **(parts or {}),
        },
        stored=["mimetype"],
    )
