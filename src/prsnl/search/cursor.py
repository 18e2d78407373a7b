"""Where the next page of a search begins: after all that was shown.

A cursor holds what was shown, each hit in a few bytes. So nothing comes twice and
nothing is left out when ranks change between two pages, as they do while files are
being read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Final

from prsnl.core.errors import NotFoundError
from prsnl.search.ranking import Candidate

_BYTES: Final = 5

Seen = frozenset[bytes]


def read(cursor: str | None) -> Seen:
    """What was shown.

    Raises:
        NotFoundError: It is no cursor.
    """
    if cursor is None:
        return frozenset()
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        told = base64.b64decode(padded.encode(), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise _none_such() from error
    if len(told) % _BYTES:
        raise _none_such()
    return frozenset(
        told[start : start + _BYTES] for start in range(0, len(told), _BYTES)
    )


def unseen(candidates: Sequence[Candidate], seen: Seen) -> list[Candidate]:
    """Those that were not shown."""
    return [one for one in candidates if _mark(one) not in seen]


def after(seen: Seen, shown: Sequence[Candidate]) -> str:
    """The cursor after these."""
    told = b"".join(sorted(seen | {_mark(one) for one in shown}))
    return base64.urlsafe_b64encode(told).decode().rstrip("=")


def _mark(one: Candidate) -> bytes:
    told = f"{one.attachment_id} {one.page}".encode()
    return hashlib.blake2b(told, digest_size=_BYTES).digest()


def _none_such() -> NotFoundError:
    return NotFoundError(
        "There is no page of this search that begins there: begin again without "
        "`cursor`."
    )
