"""Names and forms, without a server."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prsnl.core.errors import BadRequestError, DiskFullError, TooLargeError
from prsnl.core.incoming import (
    NAME_CHARACTERS,
    Incoming,
    UploadLimits,
    cleaned_name,
    told_bytes,
)
from prsnl.core.storage import FolderStorage
from prsnl.web.uploads import spool

FORM = "multipart/form-data; boundary=b"
CONTENT = b"one\r\ntwo\r\n--a no end\r\n--\r\n\x00\xff three"
BODY = (
    b'--b\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name="file"; '
    b'filename="note.txt"\r\n\r\n' + CONTENT + b"\r\n--b--\r\n"
)
PLENTY = UploadLimits(max_bytes=2**30, free_disk_floor_bytes=0)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> FolderStorage:
    made = FolderStorage(tmp_path_factory.mktemp("storage"))
    made.prepare()
    return made


def received(
    storage: FolderStorage, pieces: list[bytes], limits: UploadLimits = PLENTY
) -> tuple[Incoming, bytes]:
    with spool(storage, limits) as place:
        place.begin(FORM, "")
        for piece in pieces:
            place.write(piece)
        incoming = place.finish()
        return incoming, incoming.spooled.path.read_bytes()


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("lease.pdf", "lease.pdf"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\ada\\lease.pdf", "lease.pdf"),
        ("../..", "unnamed"),
        ("", "unnamed"),
        ("a\x00b\n.txt", "ab.txt"),
        ("Übersicht, §5 (neu).txt", "Übersicht, §5 (neu).txt"),
        ("folder/", "folder"),
        ("x" * 300 + ".pdf", "x" * (NAME_CHARACTERS - 4) + ".pdf"),
        ("x" * 300, "x" * NAME_CHARACTERS),
    ],
)
def test_a_name_keeps_all_that_is_no_danger(given_name: str, kept: str) -> None:
    assert cleaned_name(given_name) == kept


@given(st.text())
def test_a_cleaned_name_is_one_part_of_a_path_and_stays_as_it_is(name: str) -> None:
    cleaned = cleaned_name(name)

    assert Path(cleaned).name == cleaned
    assert 0 < len(cleaned) <= NAME_CHARACTERS
    assert cleaned_name(cleaned) == cleaned


@given(st.lists(st.integers(0, len(BODY)), max_size=6))
def test_a_file_comes_whole_however_its_body_is_cut(
    storage: FolderStorage, cuts: list[int]
) -> None:
    places = [0, *sorted(cuts), len(BODY)]
    pieces = [BODY[a:b] for a, b in pairwise(places)]
    incoming, written = received(storage, pieces)

    assert written == CONTENT
    assert incoming.file_name == "note.txt"
    assert incoming.spooled.size_bytes == len(CONTENT)
    assert incoming.spooled.sha256 == hashlib.sha256(CONTENT).hexdigest()


@given(st.binary(max_size=300))
def test_what_is_no_form_is_a_wrong_request_and_leaves_nothing(
    storage: FolderStorage, body: bytes
) -> None:
    with pytest.raises(BadRequestError):
        received(storage, [body])
    assert list((storage.root / "incoming").iterdir()) == []


def test_a_file_is_refused_as_soon_as_it_is_too_large(storage: FolderStorage) -> None:
    small = UploadLimits(max_bytes=len(CONTENT) - 1, free_disk_floor_bytes=0)

    with pytest.raises(TooLargeError, match="PRSNL_UPLOAD_MAX_BYTES"):
        received(storage, [BODY], small)


def test_an_announced_length_is_refused_before_a_byte_is_read(
    storage: FolderStorage,
) -> None:
    limits = UploadLimits(max_bytes=1000, free_disk_floor_bytes=0)
    with spool(storage, limits) as place, pytest.raises(TooLargeError):
        place.begin(FORM, str(10**9))


def test_an_upload_that_would_leave_too_little_room_is_refused(
    storage: FolderStorage,
) -> None:
    limits = UploadLimits(
        max_bytes=2**50, free_disk_floor_bytes=storage.free_bytes() // 2
    )
    with spool(storage, limits) as place, pytest.raises(DiskFullError):
        place.begin(FORM, str(storage.free_bytes()))


@pytest.mark.parametrize(
    ("size", "told"), [(0, "0 bytes"), (1536, "1.5 KiB"), (2 * 2**30, "2.0 GiB")]
)
def test_a_size_is_told_as_a_person_reads_it(size: int, told: str) -> None:
    assert told_bytes(size) == told


def test_only_what_was_left_behind_long_ago_is_removed(
    tmp_path: Path,
) -> None:
    own = FolderStorage(tmp_path)
    own.prepare()
    old, new = (tmp_path / "incoming" / name for name in ("old", "new"))
    for path in (old, new):
        path.write_text("")
    os.utime(old, (0, 0))
    own.clear_incoming(older_than=timedelta(days=1))

    assert [path.name for path in (tmp_path / "incoming").iterdir()] == ["new"]
