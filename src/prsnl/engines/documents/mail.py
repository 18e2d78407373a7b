"""A letter by mail, however it is kept: its head, its words, what came with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from prsnl.core.errors import TooLargeError
from prsnl.engines import limits
from prsnl.engines.cleaning import tidy, without_controls
from prsnl.engines.contracts import JsonObject
from prsnl.engines.documents import html
from prsnl.engines.documents.decoding import charset, known
from prsnl.engines.documents.parts import Block, blocks_of, document

#: A line of a mail's head is told so far.
_HEAD_CHARACTERS: Final = 4000
_UNSAFE: Final = re.compile(r"[\\/]")
_NAME_CHARACTERS: Final = 200


@dataclass(frozen=True, kw_only=True)
class Enclosed:
    """One file that came with a mail."""

    name: str
    content: bytes

    def write(self, target: Path, *, at_most: int) -> int:
        """Write it to a target of ours; tell its size.

        Raises:
            TooLargeError: It has more bytes than may be written.
        """
        if len(self.content) > at_most:
            raise TooLargeError(f"it has more than {at_most // limits.MIB} MiB")
        return target.write_bytes(self.content)


@dataclass(kw_only=True)
class Mail:
    """One mail, read."""

    subject: str = ""
    sender: str = ""
    to: str = ""
    copies: str = ""
    sent_at: datetime | None = None
    body: Sequence[Block] = ()
    enclosed: list[Enclosed] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def frames(
        self, *, engine: str, reason: str, skip_parts: Sequence[int]
    ) -> Iterator[JsonObject]:
        """The mail as the contract says."""
        yield from document(
            list(self._blocks()),
            metadata=self._metadata(),
            warnings=tuple(self.warnings),
            engine=engine,
            reason=reason,
            skip_parts=skip_parts,
        )

    def _metadata(self) -> dict[str, str]:
        told = {
            "title": self.subject,
            "author": self.sender,
            "recipients": self.to,
            "date": "" if self.sent_at is None else self.sent_at.isoformat(),
        }
        return {key: value for key, value in told.items() if value}

    def _blocks(self) -> Iterator[Block]:
        if self.subject:
            yield Block(text=self.subject, markdown=f"# {self.subject}", level=1)
        head = [
            (name, value)
            for name, value in (
                ("From", self.sender),
                ("To", self.to),
                ("Cc", self.copies),
                ("Date", "" if self.sent_at is None else _day(self.sent_at)),
            )
            if value
        ]
        if head:
            yield Block(
                text="\n".join(f"{name}: {value}" for name, value in head),
                markdown="\n".join(f"**{name}:** {value}  " for name, value in head),
            )
        yield from self.body
        if self.enclosed:
            names = [one.name for one in self.enclosed]
            yield Block(
                text="Attachments:\n" + "\n".join(names),
                markdown="**Attachments:**\n\n"
                + "\n".join(f"- {name}" for name in names),
            )


def _day(moment: datetime) -> str:
    return moment.isoformat(" ", timespec="minutes")


def line(text: str) -> str:
    """A line of a mail's head: one line, and not without end."""
    return " ".join(without_controls(text[:_HEAD_CHARACTERS]).split())


def label(name: str, *, number: int, ending: str = "") -> str:
    """What a file is called: never a path, never empty.

    Args:
        name: As the sender, or the archive, calls it.
        number: Tells apart what has no name.
        ending: For one without a name: ".eml".
    """
    last = _UNSAFE.split(line(name))[-1].strip(" .")
    if len(last) > _NAME_CHARACTERS:
        stem, point, suffix = last.rpartition(".")
        keeps = point and len(suffix) < 10  # noqa: PLR2004 - no longer one is an ending
        last = f"{stem[: _NAME_CHARACTERS - 10]}.{suffix}" if keeps else last[:200]
    return last or f"attachment-{number}{ending}"


def decoded(data: bytes, told: str | None) -> str:
    """The words of a part: as its head says, where that is possible at all."""
    if encoding := known(told):
        try:
            return data.decode("cp1252" if encoding == "iso8859-1" else encoding)
        except ValueError:
            pass  # it says so, and it is not
    return data.decode(charset(data) or "cp1252", errors="replace")


def plain_blocks(text: str) -> list[Block]:
    """The paragraphs of a body without marks."""
    return blocks_of(tidy(text[: limits.TEXT_CHARACTERS]))


def html_blocks(data: bytes | str, told: str | None = None) -> list[Block]:
    """The blocks of a body in HTML."""
    return html.parsed(data, told)[0]


def is_said(blocks: Sequence[Block]) -> bool:
    """Whether a body has words at all."""
    return any(block.text.strip() for block in blocks)
