"""A name for a user that the system has none for, as in a container with any uid."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from prsnl.core.errors import StartError

_NAME: Final = "prsnl"
#: Where systems keep it; it stands in no loader's list.
_LIBRARY: Final = ("lib/*/libnss_wrapper.so", "lib64/libnss_wrapper.so")


@contextmanager
def named() -> Iterator[Mapping[str, str]]:
    """What to add to the environment of a program that asks for its user's name.

    Raises:
        StartError: There is no name, and nothing here can lend one.
    """
    uid, gid = os.geteuid(), os.getegid()
    if _is_known(uid):
        yield {}
        return
    library = next(
        (path for place in _LIBRARY for path in Path("/usr").glob(place)), None
    )
    if library is None:
        raise StartError(
            f"The user id {uid} has no name on this system, and PostgreSQL asks for "
            "one to make a database: add the user to /etc/passwd, or install "
            "libnss-wrapper (libnss_wrapper.so)."
        )
    with tempfile.TemporaryDirectory() as folder:
        users, groups = Path(folder, "passwd"), Path(folder, "group")
        users.write_text(f"{_NAME}:x:{uid}:{gid}::/:/bin/false\n", encoding="utf-8")
        groups.write_text(f"{_NAME}:x:{gid}:\n", encoding="utf-8")
        yield {
            "LD_PRELOAD": str(library),
            "NSS_WRAPPER_PASSWD": str(users),
            "NSS_WRAPPER_GROUP": str(groups),
        }


def _is_known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
