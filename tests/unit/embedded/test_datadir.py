"""The data folder: its lock, its ports, its secrets, its sentences."""

import errno
import os
import socket
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from prsnl.core.errors import StartError
from prsnl.embedded.datadir import (
    DataDir,
    Holder,
    free_port,
    holder_of,
    impassable_folder,
    is_port_free,
    new_password,
    told_as_start_error,
)
from prsnl.embedded.supervisor import RunAs

SOMEBODY = RunAs(name="somebody", uid=54_321, gid=54_321)


def opened(path: Path, what: str = "prsnl up") -> DataDir:
    data_dir = DataDir(path, what=what)
    data_dir.open()
    return data_dir


def test_a_second_start_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    first = opened(tmp_path / "data")

    with pytest.raises(StartError) as told:
        DataDir(tmp_path / "data", what="prsnl process").open()

    message = told.value.message
    assert f"{tmp_path / 'data'} is in use by `prsnl up` (pid {os.getpid()} on" in (
        message
    )
    assert "./prsnl down" in message
    assert "PRSNL_DATA_DIR" in message
    first.close()


def test_a_folder_that_was_let_go_can_be_held_again(tmp_path: Path) -> None:
    opened(tmp_path).close()

    opened(tmp_path).close()

    assert holder_of(tmp_path) is None


def test_the_holder_is_known_while_the_folder_is_held(tmp_path: Path) -> None:
    data_dir = opened(tmp_path, what="prsnl bench")

    holder = holder_of(tmp_path)

    assert holder is not None
    assert (holder.pid, holder.what) == (os.getpid(), "prsnl bench")
    data_dir.close()


def test_an_entry_of_a_killed_holder_counts_for_nothing(tmp_path: Path) -> None:
    """The kernel drops the lock of a killed process; its entry stays in the file."""
    (tmp_path / "lock").write_text('{"pid": 1, "host": "x", "what": "y", "since": ""}')

    assert holder_of(tmp_path) is None
    opened(tmp_path).close()


def test_a_holder_of_another_day_is_told_with_its_date() -> None:
    since = datetime.now(UTC) - timedelta(days=3)
    holder = Holder(pid=7, host="attic", what="prsnl up", since=since.isoformat())

    sentence = holder.sentence(Path("/data"))

    assert f"since {since.astimezone():%Y-%m-%d %H:%M}" in sentence


def test_a_port_is_kept_while_it_is_free(tmp_path: Path) -> None:
    data_dir = opened(tmp_path)

    ports = {data_dir.port("postgresql") for _ in range(3)}

    assert len(ports) == 1
    data_dir.close()


def test_a_taken_port_is_replaced_and_the_new_one_kept(tmp_path: Path) -> None:
    data_dir = opened(tmp_path)
    with socket.socket() as intruder:
        intruder.bind(("127.0.0.1", data_dir.port("postgresql")))
        intruder.listen()
        taken = intruder.getsockname()[1]

        replaced = data_dir.port("postgresql")

    assert replaced != taken
    assert data_dir.port("postgresql") == replaced
    data_dir.close()


def test_a_listening_port_is_not_free() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        assert not is_port_free(listener.getsockname()[1])
    assert is_port_free(free_port())


def test_secrets_are_readable_by_us_alone(tmp_path: Path) -> None:
    data_dir = opened(tmp_path)
    assert data_dir.password("valkey") is None

    data_dir.keep_password("valkey", new_password())
    data_dir.keep_password("postgresql", new_password())

    mode = stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode)
    assert mode == 0o600
    assert data_dir.password("valkey") != data_dir.password("postgresql")
    data_dir.close()


def test_a_damaged_file_is_told_with_the_way_out(tmp_path: Path) -> None:
    data_dir = opened(tmp_path)
    (tmp_path / "ports.json").write_text("{")

    with pytest.raises(StartError, match=r"ports\.json is damaged\. Remove it"):
        data_dir.port("valkey")
    data_dir.close()


def test_a_new_folder_is_closed_to_others(tmp_path: Path) -> None:
    """As root others may pass through it, since the servers run as another user."""
    opened(tmp_path / "new" / "data").close()

    mode = stat.S_IMODE((tmp_path / "new" / "data").stat().st_mode)
    assert mode == (0o711 if os.geteuid() == 0 else 0o700)


def test_the_mode_of_a_folder_that_was_there_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)

    opened(tmp_path).close()

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


def test_the_first_closed_folder_on_the_way_is_found(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "below").mkdir(parents=True)
    closed.chmod(0o700)

    found = impassable_folder(closed / "below", SOMEBODY)

    assert found is not None
    assert found in (*tmp_path.parents, tmp_path, closed)


def test_a_file_in_place_of_the_folder_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StartError, match="cannot be written"):
        DataDir(tmp_path / "file", what="prsnl up").open()


def test_a_full_disk_is_told_in_one_sentence() -> None:
    with (
        pytest.raises(StartError, match=r"The disk that holds /data is full"),
        told_as_start_error(Path("/data")),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
