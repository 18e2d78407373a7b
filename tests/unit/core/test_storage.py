"""Bytes by their hash, in a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from prsnl.core.storage import FolderStorage

CONTENT = b"The kettle boils."
NAME = hashlib.sha256(CONTENT).hexdigest()


def spooled(storage: FolderStorage, name: str) -> Path:
    path = storage.root / "incoming" / name
    path.write_bytes(CONTENT)
    return path


def test_a_file_is_kept_once_and_leaves_incoming(storage: FolderStorage) -> None:
    first, again = spooled(storage, "1"), spooled(storage, "2")
    storage.put_file(first, NAME)
    storage.put_file(again, NAME)

    with storage.open(NAME) as kept:
        assert kept.read() == CONTENT
    assert list((storage.root / "incoming").iterdir()) == []


def test_bytes_are_named_by_their_hash_however_often_they_are_put(
    storage: FolderStorage,
) -> None:
    assert storage.put_bytes(CONTENT) == storage.put_bytes(CONTENT) == NAME
    assert len([path for path in storage.root.rglob("*") if path.is_file()]) == 1
