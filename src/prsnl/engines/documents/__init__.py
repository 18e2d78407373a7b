"""Documents of every kind: which engine reads which, and its two operations."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from prsnl.core.errors import EncryptedError, UnsupportedError
from prsnl.engines import images
from prsnl.engines.contracts import ChildFiles, JsonObject

Operation: TypeAlias = Callable[[ChildFiles, JsonObject], Iterator[JsonObject]]

#: Kind -> the module that reads it; a child imports only the one it needs.
READERS: Final = {
    "pdf": "prsnl.engines.pdf",
    "text": "prsnl.engines.documents.plain",
    "markdown": "prsnl.engines.documents.markdown",
    "html": "prsnl.engines.documents.html",
    "csv": "prsnl.engines.documents.delimited",
    "rtf": "prsnl.engines.documents.rtf",
    "docx": "prsnl.engines.documents.docx",
    "pptx": "prsnl.engines.documents.pptx",
    "xlsx": "prsnl.engines.documents.xlsx",
    "doc": "prsnl.engines.documents.doc",
    "ppt": "prsnl.engines.documents.ppt",
    "xls": "prsnl.engines.documents.xls",
    "xlsb": "prsnl.engines.documents.calamine",
    "odt": "prsnl.engines.documents.odf",
    "ods": "prsnl.engines.documents.odf",
    "odp": "prsnl.engines.documents.odf",
    "epub": "prsnl.engines.documents.epub",
    "eml": "prsnl.engines.documents.eml",
    "msg": "prsnl.engines.documents.msg",
    "zip": "prsnl.engines.documents.archive",
    **dict.fromkeys(images.KINDS, "prsnl.engines.images.reader"),
}
#: Kind -> the module that lists the files in it; each of them is read as its own.
CONTAINERS: Final = {
    "eml": "prsnl.engines.documents.eml",
    "msg": "prsnl.engines.documents.msg",
    "zip": "prsnl.engines.documents.archive",
}
#: Kind -> the module that draws its pages.
PAINTERS: Final = {
    "pdf": "prsnl.engines.pdf",
    **dict.fromkeys(images.KINDS, "prsnl.engines.images.reader"),
}
#: An Office document under a password: told, and never read.
LOCKED_OFFICE: Final = "office-encrypted"
#: What a warm child of the profile `document` has loaded while it waits: the detector
#: with its model, the reader of PDFs with its painter. The others are imported when
#: their kind comes.
PRELOAD: Final = (
    "prsnl.engines.documents.identify",
    "prsnl.engines.documents.detector:model",
    "prsnl.engines.documents.plain",
    # Notes are many and small: each child would load this anew, for 20 ms.
    "prsnl.engines.documents.markdown",
    "prsnl.engines.pdf",
    "PIL.JpegImagePlugin",
)
#: What the detector calls what it does not know.
UNKNOWN: Final = "Unknown binary data"
WHAT_IS_READ: Final = (
    "this version reads PDF, pictures, office documents, EPUB, mails, web pages, ZIP "
    "archives, audio, video and text of any kind"
)
LOCKED: Final = (
    "The document is protected by a password, and protected Office documents cannot "
    "be opened here: save it without the password and upload it again."
)


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield a `DocumentInfo`, then one `PageText` for each page or part.

    Args:
        files: The child's folders.
        params: `path` in the inputs, `kind` as `file.identify` told it, and where
            known `mime_type`, `description`, `file_name`, `password` and
            `skip_pages`, the pages that are not wanted again.

    Raises:
        UnsupportedError: Nothing here reads this kind.
        EncryptedError: It needs a password.
        CorruptError: It is damaged beyond reading.
    """
    kind = str(params["kind"])
    if kind == LOCKED_OFFICE:
        raise EncryptedError(LOCKED)
    if kind not in READERS:
        named = params.get("description") or params.get("mime_type") or kind
        raise UnsupportedError(f"{unread(str(named))}: {WHAT_IS_READ}.")
    yield from _operation(READERS[kind], "read")(files, params)


def unread(description: str) -> str:
    """What a user is told of a kind that nothing here reads; without a full stop."""
    if description == UNKNOWN:
        return "Of what kind this file is cannot be told from its content"
    return f"Files of this kind ({description}) are not read"


def thumbnail(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the `Picture` of a page; nothing for a kind that has none to draw."""
    if painter := PAINTERS.get(str(params["kind"])):
        yield from _operation(painter, "thumbnail")(files, params)


def _operation(module: str, name: str) -> Operation:
    operation: Operation = getattr(importlib.import_module(module), name)
    return operation
