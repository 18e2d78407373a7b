"""The first key's file."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from prsnl.core.errors import StartError
from prsnl.web.identity import hash_of
from prsnl.web.keys import FILE_NAME, first_key, new_key


def test_a_key_is_long_and_needs_no_quoting() -> None:
    assert re.fullmatch(r"prsnl_[A-Za-z0-9_-]{43}", new_key())
    assert new_key() != new_key()


def test_the_first_key_is_made_once_for_its_user_alone(tmp_path: Path) -> None:
    key = first_key(tmp_path / "data")
    path = tmp_path / "data" / FILE_NAME

    assert first_key(tmp_path / "data") == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == [FILE_NAME]


def test_two_starts_at_once_end_with_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(first_key, [tmp_path] * 32))

    assert len(keys) == 1


def test_a_damaged_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("")

    with pytest.raises(StartError, match="remove it"):
        first_key(tmp_path)


def test_a_key_is_kept_as_its_hash() -> None:
    key = new_key()

    assert len(hash_of(key)) == 32
    assert key.encode() not in hash_of(key)
