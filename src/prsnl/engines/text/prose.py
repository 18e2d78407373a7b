"""The running text of a document, without what stands around it.

Headings, captions, tables, footnotes, references, addresses, notices and lines that
repeat are no prose: a sentence of them would say little, and half of one nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prsnl.engines.text.words import WORD, stop_words

_BLOCK: Final = re.compile(r"\n[ \t]*\n\s*")
_ENDS: Final = tuple(".!?…:\u3002\uff01\uff1f\u061f\u06d4")
_CLOSERS: Final = "\"')]}»”\u2019“"
_BULLET: Final = re.compile(r"(?:[•▪●◦‣∙*+\u2013\u2014-]|\(?\d{1,2}[.)]|[a-z]\))\s+")
_CAPTION: Final = re.compile(
    r"(?:figure|fig\.|table|tab\.|abbildung|abb\.|tabelle|listing|algorithm|chart|"
    r"plate|tableau|tabla|tabella|figura)[ \u00a0]?[\dIVX]{1,4}[.:\u2013\u2014 ]",
    re.IGNORECASE,
)
_BRACKETED: Final = re.compile(r"\[[^\[\]]{0,200}\]|\([^()]{0,200}\)|\{[^{}]{0,200}\}")
_LEADERS: Final = re.compile(r"(?:\.\s?){4,200}\s{0,20}[\dxvi]{0,5}$")
_ADDRESS: Final = re.compile(r"\S@[\w-]{1,80}\.\w|\bhttps?://|\bwww\.")
#: Addresses of mail and pages, and names of files.
_ADDRESSES: Final = re.compile(
    r"\{[^{}\n]{1,200}\}@\S{1,200}|\S{1,200}@[\w.-]{1,200}|"
    r"(?:https?://|www\.)\S{1,2000}|(?<![\w.])[\w-]{1,80}(?:\.[\w-]{1,80}){0,8}\."
    r"(?:txt|pdf|docx?|xlsx?|pptx?|html?|md|csv|json|xml|py|js|png|jpe?g|com|org|net|de)"
    r"(?![\w])(?:/\S{0,500})?"
)
_NOTICE: Final = re.compile(
    r"©|\(c\) ?\d{4}|\bcopyright\b|\ball rights reserved\b|\balle rechte vorbehalten\b|"
    r"\btous droits réservés\b|\bpermission to make\b|\bproject gutenberg\b|"
    r"\bunsubscribe\b|\b(?:uses?|accept|of) cookies\b|\bthis ebook\b|"
    r"\blicen[cs]ed under\b|\bview (?:this|it) in (?:your|a) browser\b|\bISBN\b",
    re.IGNORECASE,
)
#: What a paper says for libraries.
_LABELLED: Final = re.compile(
    r"(?:key ?words|index terms|general terms|categories and subject descriptors|"
    r"schlagwörter|schlüsselwörter|stichworte|mots[- ]clés|palabras clave|"
    r"parole chiave|received|accepted|submitted|eingereicht|doi)\b",
    re.IGNORECASE,
)
_PAGE_LINE: Final = re.compile(
    r"(?:page|seite|p\.|s\.|[-\u2013\u2014])?\s*\d{1,4}\s*"
    r"(?:(?:of|von|/)\s*\d{1,4}|[-\u2013\u2014])?",
    re.IGNORECASE,
)
_NOTE_MARK: Final = re.compile(r"\d{1,3}")
_NOTE: Final = re.compile(r"(\d{1,3})[ \t]{1,4}(?=[^\W\d_])")
_NUMBER: Final = re.compile(r"\d")
_REFERENCES: Final = re.compile(
    r"(?:[\divx]{1,4}\.?\s+)?(?:references|bibliography|works cited|literature cited|"
    r"literatur|literaturverzeichnis|quellen|quellenverzeichnis|références|"
    r"bibliographie|bibliografía|referencias|bibliografia|riferimenti)[.:]?",
    re.IGNORECASE,
)
#: Where a document says itself what it is about.
_TELLING: Final = re.compile(
    r"(?:[\divx]{1,4}\.?\s+)?(?:abstract|summary|executive summary|conclusions?|"
    r"key findings|in brief|zusammenfassung|kurzfassung|fazit|schluss|ergebnis|"
    r"résumé|conclusion|resumen|conclusiones|riassunto|conclusioni)[.:]?",
    re.IGNORECASE,
)
_TELLING_WEIGHT: Final = 2.0
#: A line that is shorter than this part of its block's longest is not full.
_FULL: Final = 0.75
_HEADING_WORDS: Final = 14
_HEADING_CHARACTERS: Final = 110
#: A block with so many lines of numbers is a table.
_TABLE_SHARE: Final = 0.5
_TABLE_NUMBERS: Final = 3
_REPEATED_PAGES: Final = 3
#: Running lines stand at an edge of the page, and are few.
_RUNNING_LINES: Final = 2
#: A paragraph goes on behind at most so many blocks that are none of it.
_GAP_BLOCKS: Final = 4
_OPEN_CHARACTERS: Final = 40
#: References stand behind this part of a document; a table of contents before it.
_REFERENCES_AFTER: Final = 0.4


@dataclass(kw_only=True)
class Paragraph:
    """A stretch of running text, its wrapped lines joined by spaces."""

    text: str
    page: int
    #: More than 1 where the document sums itself up.
    weight: float = 1.0


def prose(
    pages: Sequence[tuple[int, str]],
    headings: Iterable[str] = (),
    language: str | None = None,
) -> list[Paragraph]:
    """The paragraphs of a document's running text, in its order.

    One that a page, a column or a picture cuts in two is put together again.

    Args:
        pages: Their numbers and texts.
        headings: Lines that are known to be headings.
        language: ISO 639-1.
    """
    return _Prose(pages, headings, language).paragraphs()


def matter(pages: Sequence[tuple[int, str]]) -> str:
    """All that a document says of its matter: prose, headings, tables and lists.

    Without running lines, page numbers, addresses of pages, notices and references.
    """
    repeated = repeated_lines(pages)
    whole = sum(len(text) for _, text in pages) or 1
    found: list[str] = []
    before = 0
    in_references = False
    for _, text in pages:
        blocks = _BLOCK.split(text.strip())
        for place, block in enumerate(blocks):
            is_edge = place in (0, len(blocks) - 1)
            lines = [line.strip() for line in block.split("\n") if line.strip()]
            kept = _without_furniture(lines, repeated if is_edge else frozenset())
            if kept and before / whole >= _REFERENCES_AFTER:
                in_references |= bool(_REFERENCES.fullmatch(kept[0]))
            before += len(block)
            joined = without_addresses("\n".join(kept))
            if joined.strip() and not in_references and not _NOTICE.search(joined):
                found.append(joined)
    return "\n\n".join(found)


def without_addresses(text: str) -> str:
    """The text without addresses of mail and pages, and without names of files."""
    return _ADDRESSES.sub(" ", text)


def is_notice(text: str) -> bool:
    """Whether a paragraph is a notice of rights or of a list: not of the matter."""
    return _NOTICE.search(text) is not None


def references_start(pages: Sequence[tuple[int, str]]) -> tuple[int, int] | None:
    """The page and the offset at which a list of references begins, if there is one."""
    whole = sum(len(text) for _, text in pages) or 1
    before = 0
    for number, text in pages:
        for line in re.finditer(r"[^\n]+", text):
            is_late = (before + line.start()) / whole >= _REFERENCES_AFTER
            if is_late and _REFERENCES.fullmatch(line.group().strip()):
                return number, line.start()
        before += len(text)
    return None


class _Prose:
    """Walks through a document once."""

    def __init__(
        self,
        pages: Sequence[tuple[int, str]],
        headings: Iterable[str],
        language: str | None,
    ) -> None:
        self._pages = pages
        self._known = {_folded(one) for one in headings}
        self._repeated = repeated_lines(pages)
        self._little = stop_words(language) | stop_words("en")
        self._found: list[Paragraph] = []
        self._open_since: int | None = None
        self._weight = 1.0
        self._in_references = False

    def paragraphs(self) -> list[Paragraph]:
        whole = sum(len(text) for _, text in self._pages) or 1
        before = 0
        for number, text in self._pages:
            marks = _note_marks(text)
            is_note = False
            blocks = _BLOCK.split(text.strip())
            for place, block in enumerate(blocks):
                is_edge = place in (0, len(blocks) - 1)
                lines = [line.strip() for line in block.split("\n") if line.strip()]
                if not lines:
                    continue
                is_late = before / whole >= _REFERENCES_AFTER
                if len(lines) == 1 and _NOTE_MARK.fullmatch(lines[0]):
                    is_note = lines[0] in marks
                elif is_note or _is_note(lines[0], marks):
                    is_note = False
                else:
                    kept = _without_furniture(
                        lines, self._repeated if is_edge else frozenset()
                    )
                    self._read(kept, number, block, is_late=is_late)
                before += len(block)
        return self._found

    def _read(
        self, lines: Sequence[str], page: int, block: str, *, is_late: bool
    ) -> None:
        if not lines:
            return
        if self._open_since is not None:
            self._open_since += 1
        if "\t" in block or _is_table(lines) or _CAPTION.match(lines[0]):
            return
        if _ADDRESS.search(block) and len(WORD.findall(block)) < _HEADING_WORDS:
            return
        for part in self._parts(lines, is_late=is_late):
            self._add(part, page)

    def _parts(self, lines: Sequence[str], *, is_late: bool) -> Iterator[list[str]]:
        """The pieces of a block between its headings and before its bullets."""
        width = max(len(line) for line in lines)
        part: list[str] = []
        for place, line in enumerate(lines):
            following = lines[place + 1] if place + 1 < len(lines) else None
            if not part and self._is_heading(line, following, width):
                self._enter(line, is_late=is_late)
                continue
            if _BULLET.match(line) and (not part or _is_ended(part[-1])):
                yield part
                part = [_BULLET.sub("", line, count=1)]
                continue
            part.append(line)
            # A line that is not full ends its paragraph, where it ends a sentence.
            if following and len(line) < _FULL * width and _is_ended(line):
                yield part
                part = []
        yield part

    def _is_heading(self, line: str, following: str | None, width: int) -> bool:
        folded = _folded(line)
        if folded in self._known:
            return True
        if line[-1] in ",;" or line.endswith(("-", "\u2013")) or _is_ended(line):
            return bool(_TELLING.fullmatch(line) or _REFERENCES.fullmatch(line))
        words = folded.split()
        if len(words) > _HEADING_WORDS or len(line) > _HEADING_CHARACTERS:
            return False
        if line[0].islower():
            return False
        if following is None:
            return True
        ends_openly = words[-1] in self._little
        is_short = len(line) < _FULL * width or len(words) <= _TABLE_NUMBERS
        return is_short and not ends_openly and not following[0].islower()

    def _enter(self, heading: str, *, is_late: bool) -> None:
        self._in_references = bool(is_late and _REFERENCES.fullmatch(heading))
        self._weight = _TELLING_WEIGHT if _TELLING.fullmatch(heading) else 1.0

    def _add(self, lines: Sequence[str], page: int) -> None:
        text = " ".join(" ".join(lines).split())
        if not text or self._in_references or _NOTICE.search(text):
            return
        if _LABELLED.match(text):
            return
        if self._is_waiting and text[0].islower():
            self._found[-1].text = _joined(self._found[-1].text, text)
        else:
            self._found.append(Paragraph(text=text, page=page, weight=self._weight))
        is_open = not _is_ended(text) and len(text) >= _OPEN_CHARACTERS
        self._open_since = 0 if is_open else None

    @property
    def _is_waiting(self) -> bool:
        return self._open_since is not None and self._open_since <= _GAP_BLOCKS


def _without_furniture(lines: Sequence[str], repeated: frozenset[str]) -> Sequence[str]:
    """Without page numbers, entries of a list of contents and running lines."""
    if len(lines) <= _RUNNING_LINES:
        lines = [line for line in lines if _folded(line) not in repeated]
    return [
        line
        for line in lines
        if not _PAGE_LINE.fullmatch(line)
        and not _BRACKETED.fullmatch(line)
        and not _LEADERS.search(line)
    ]


def _joined(text: str, following: str) -> str:
    """Two parts of a paragraph; a word that was divided between them is whole again."""
    if text.endswith("-") and text[-2:-1].isalpha():
        return text[:-1] + following
    return f"{text} {following}"


def _folded(line: str) -> str:
    return " ".join(line.split()).casefold()


def _is_ended(line: str) -> bool:
    return line.rstrip(_CLOSERS).endswith(_ENDS)


def _is_table(lines: Sequence[str]) -> bool:
    """Whether most lines hold several numbers, as those of a table do."""
    numbered = sum(
        sum(bool(_NUMBER.search(word)) for word in line.split()) >= _TABLE_NUMBERS
        for line in lines
    )
    return len(lines) > 1 and numbered > _TABLE_SHARE * len(lines)


def _note_marks(text: str) -> frozenset[str]:
    """Numbers that stand behind a word or its stop, as those of footnotes do."""
    return frozenset(
        re.findall(r"[^\W\d_]{2}[.,;:!?)”\"\u2019]{0,2}(\d{1,3})(?=[\s.,;]|$)", text)
    )


def _is_note(line: str, marks: frozenset[str]) -> bool:
    match = _NOTE.match(line)
    return match is not None and match.group(1) in marks


def repeated_lines(pages: Sequence[tuple[int, str]]) -> frozenset[str]:
    """Lines that stand on several pages: what runs along, and empty phrases."""
    counts: Counter[str] = Counter()
    for _, text in pages:
        counts.update({_folded(line) for line in text.split("\n")} - {""})
    return frozenset(line for line, n in counts.items() if n >= _REPEATED_PAGES)
