"""Bytes in a bucket that hosts share."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from prsnl.core.errors import NotFoundError, SettingsError, UnavailableError
from prsnl.core.storage.bucket import BucketStorage
from prsnl.embedded.datadir import free_port
from tests.fakes.s3_server import make_bucket, s3_server

CONTENT = b"The kettle boils."
NAME = hashlib.sha256(CONTENT).hexdigest()
PART = int(NAME[:2], 16)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3") / "log") as url:
        yield url


@pytest.fixture
def keys(server: str, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    told = {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "one",
        "AWS_SECRET_ACCESS_KEY": "two",
        "AWS_REGION": "us-east-1",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    return told


@pytest.fixture
def bucket(server: str, keys: Mapping[str, str], tmp_path: Path) -> BucketStorage:
    del keys
    name = f"b{os.urandom(6).hex()}"
    make_bucket(server, name)
    made = BucketStorage.of(f"s3://{name}/ours", tmp_path / "incoming-here")
    made.prepare()
    return made


def test_what_one_host_keeps_another_one_reads(
    bucket: BucketStorage, tmp_path: Path
) -> None:
    with bucket.incoming() as path:
        path.write_bytes(CONTENT)
        bucket.bring(path, NAME)
        bucket.put_file(path, NAME)
        assert not path.exists()
    there = BucketStorage(bucket.store, BucketStorage.of("s3://x", tmp_path).spool)

    there.fetch(NAME, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == CONTENT
    with there.open(NAME) as file:
        assert file.read(3) + file.read() == CONTENT
    assert there.names(PART) == [NAME]


def test_a_file_larger_than_a_piece_comes_whole(
    bucket: BucketStorage, tmp_path: Path
) -> None:
    content = os.urandom(12 << 20)
    source = tmp_path / "large"
    source.write_bytes(content)
    name = hashlib.sha256(content).hexdigest()
    bucket.put_file(source, name)

    assert source.exists()  # it did not lie where bytes come in
    with bucket.open(name) as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == name


def test_bytes_put_again_count_as_put_now(bucket: BucketStorage) -> None:
    bucket.put_bytes(CONTENT)
    first = bucket.touched_at(NAME)
    time.sleep(1.1)  # S3 tells whole seconds
    bucket.put_bytes(CONTENT)
    second = bucket.touched_at(NAME)

    assert first is not None
    assert second is not None
    assert second - first >= timedelta(seconds=1)


def test_what_is_forgotten_is_gone_and_may_be_forgotten_again(
    bucket: BucketStorage,
) -> None:
    bucket.put_bytes(CONTENT)
    bucket.renew(NAME)
    bucket.delete(NAME)
    bucket.delete(NAME)

    assert bucket.touched_at(NAME) is None
    assert not bucket.renew(NAME)
    assert bucket.names(PART) == []
    with pytest.raises(NotFoundError):
        bucket.open(NAME)


def test_a_bucket_that_is_not_there_is_named_at_the_start(
    keys: Mapping[str, str], tmp_path: Path
) -> None:
    del keys
    with pytest.raises(SettingsError, match="AWS_ENDPOINT_URL"):
        BucketStorage.of("s3://nobody-made-it", tmp_path).prepare()
    with pytest.raises(SettingsError, match="s3://BUCKET"):
        BucketStorage.of("s3:///", tmp_path)


def test_a_server_that_is_away_is_an_outage_and_no_loss(
    keys: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del keys
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    away = BucketStorage.of("s3://any", tmp_path)

    with pytest.raises(UnavailableError, match="bucket"):
        away.touched_at(NAME)
