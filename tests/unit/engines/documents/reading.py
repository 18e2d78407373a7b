"""Reads a file of a test's own as a child would."""

from __future__ import annotations

from pathlib import Path

from prsnl.engines import documents
from prsnl.engines.contracts import DocumentInfo, PageText
from tests.fakes.child_files import FolderFiles


def read(folder: Path, kind: str, data: bytes) -> tuple[DocumentInfo, list[PageText]]:
    """What a reader tells of these bytes."""
    (folder / "blob").write_bytes(data)
    info, *parts = documents.read(
        FolderFiles(folder, folder), {"path": "blob", "kind": kind}
    )
    return DocumentInfo.model_validate(info), [
        PageText.model_validate(part) for part in parts
    ]


def text_of(folder: Path, kind: str, data: bytes) -> str:
    """All its text."""
    return "\n\n".join(part.text for part in read(folder, kind, data)[1])


def markdown_of(folder: Path, kind: str, data: bytes) -> str:
    """All its Markdown."""
    _, parts = read(folder, kind, data)
    return "\n\n".join(part.markdown or part.text for part in parts)
