"""A document's title: a real heading, else what it says of itself, else its name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Final

from prsnl.engines.contracts import Heading

_TITLE_MAX: Final = 200
_LINE_MAX: Final = 90
_LETTERS_MIN: Final = 3
_EXTENSION: Final = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
_PRINTED_FROM: Final = re.compile(
    r"^(?:microsoft )?(?:word|powerpoint|excel|office word|writer) ?[-\u2013:] ?",
    re.IGNORECASE,
)
_MEANINGLESS: Final = re.compile(
    r"^(?:untitled|unbenannt|ohne titel|sans titre|sin título|senza titolo|naamloos|"
    r"sem título|no title|title|titel|document|dokument|documento|draft|entwurf|scan|"
    r"slide|folie|page|seite|powerpoint presentation|presentation|präsentation|book|"
    r"mappe|new document|neues dokument|untitled document|unbenanntes dokument|"
    r"index|home|readme)[ _\-]?\d{0,4}$",
    re.IGNORECASE,
)
_GENERIC_HEADING: Final = re.compile(
    r"^(?:[\dIVX.]{0,6} ?)?(?:table of contents|contents|inhalt|inhaltsverzeichnis|"
    r"abstract|zusammenfassung|summary|résumé|introduction|einleitung|einführung|"
    r"sommaire|table des matières|índice|indice|sommario|inhoud|inhoudsopgave|sumário|"
    r"references|literatur|acknowledg\w{0,8}|preface|vorwort|background)$",
    re.IGNORECASE,
)
_PAGE_LINE: Final = re.compile(r"\b(?:page|seite) \d", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"^(?:\d{1,2}|[IVX]{1,4})(?:\.\d{1,2}){0,3}\.? ")
_COPY: Final = re.compile(r"[ _\-]*(?:\(\d{1,3}\)|- ?copy|- ?kopie)$", re.IGNORECASE)
_SALUTATION: Final = re.compile(
    r"^(?:dear|sehr geehrte\w{0,2}|liebe\w{0,2}|hallo|hello|hi|cher|chère|madame|"
    r"monsieur|estimad\w{1,2}|gentile|egregio|geachte|beste|prezad\w{1,2})\b",
    re.IGNORECASE,
)
_NOT_A_TITLE: Final = re.compile(r"@|://|www\.|^[\W\d]*$|\t")


def title_of(
    *,
    headings: Sequence[Heading],
    metadata: Mapping[str, str],
    text: str,
    file_name: str,
) -> tuple[str, str]:
    """The title, and where it is from: see `TextAnalysis.title_source`.

    A printed title comes before everything; a section's heading ("1. Scope") only
    after what the metadata say.
    """
    first = _first_heading(headings)
    if first and not _NUMBERED.match(first):
        return _short(first), "heading"
    if told := _meaningful(metadata.get("title", ""), file_name):
        return _short(told), "metadata"
    if first:
        return _short(first), "heading"
    if line := _first_line(text):
        return line, "first line"
    return _short(clean_file_name(file_name)), "file name"


def _first_heading(headings: Sequence[Heading]) -> str | None:
    real = [
        heading
        for heading in headings
        if sum(letter.isalpha() for letter in heading.text) >= _LETTERS_MIN
        and not _PAGE_LINE.search(heading.text)
        and not _GENERIC_HEADING.match(heading.text.strip())
    ]
    if not real:
        return None
    highest = min(heading.level for heading in real)
    return next(one.text for one in real if one.level == highest).strip()


def _meaningful(title: str, file_name: str) -> str | None:
    told = _PRINTED_FROM.sub("", " ".join(title.split())).strip()
    stem = PurePath(file_name).stem.casefold()
    if (
        sum(letter.isalpha() for letter in told) < _LETTERS_MIN
        or _EXTENSION.search(told)
        or _MEANINGLESS.match(told)
        or told.casefold() == stem
        or ("/" in told and " " not in told)
        or ("_" in told and " " not in told)
    ):
        return None
    return told


def _first_line(text: str) -> str | None:
    """The first line, if it reads like a title and stands alone or is followed."""
    head = text.lstrip()[:2000]
    lines = head.split("\n")
    line = " ".join(lines[0].split())
    words = line.split()
    letters = sum(letter.isalpha() for letter in line)
    if (
        not _LETTERS_MIN <= len(line) <= _LINE_MAX
        or len(lines) < 2  # noqa: PLR2004
        or line.endswith((".", ",", ";", ":", "-"))
        or letters < 0.6 * len(line)
        or not words[0][0].isalnum()
        or line[0].islower()
        or _NOT_A_TITLE.search(line)
        or _SALUTATION.match(line)
    ):
        return None
    stands_alone = not lines[1].strip()
    continues = lines[1].strip()[:1].islower()
    return line if stands_alone or not continues else None


def clean_file_name(file_name: str) -> str:
    """A file's name for people: no folder, no extension, spaces between words."""
    name = PurePath(file_name.replace("\\", "/")).name
    stem = _EXTENSION.sub("", name) or name
    words = " ".join(re.sub(r"[_+]+|(?<=\w)-(?=\w)", " ", _COPY.sub("", stem)).split())
    words = re.sub(r"\b(\d{4}) (\d{2}) (\d{2})\b", r"\1-\2-\3", words)
    return words[:1].upper() + words[1:] if words else "Untitled"


def _short(title: str) -> str:
    plain = " ".join(title.split())
    if len(plain) <= _TITLE_MAX:
        return plain
    return plain[: _TITLE_MAX - 1].rsplit(" ", 1)[0] + "…"
