"""A watched folder: real files, a real database, and a clock of the test's own."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pytest

from prsnl.core.db import Database
from prsnl.core.errors import SettingsError
from prsnl.core.settings import service as settings_of
from prsnl.core.storage import FolderStorage
from prsnl.items.watch_store import Seen
from prsnl.library import trash
from prsnl.library.watch import FolderWatcher, watched
from prsnl.library.watch_folder import WatchedFolder, is_left_alone
from prsnl.monitoring.health import health

STILL_S = 5.0


@dataclass
class Clock:
    """Time goes on when the test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Attic:
    """A folder under watch, and all that looks after it."""

    path: Path
    database: Database
    storage: FolderStorage
    clock: Clock = field(default_factory=Clock)

    def watcher(
        self,
        *,
        after: str = "keep",
        folder: WatchedFolder | None = None,
        kind: type[FolderWatcher] = FolderWatcher,
        **limits: int,
    ) -> FolderWatcher:
        """A scheduler's watcher."""
        return kind(
            database=self.database,
            storage=self.storage,
            settings=settings_of.Watch(watch_dir=self.path, watch_after=after),
            limits=settings_of.Storage(**{"free_disk_floor_bytes": 0, **limits}),
            folder=folder or WatchedFolder(self.path),
            rang=lambda: None,
            clock=self.clock,
        )

    def put(self, name: str | bytes, content: str = "") -> Path:
        """Write a file."""
        path = self.path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content or f"A note called {path.name!r}.")
        return path

    def pass_by(self, *watchers: FolderWatcher) -> None:
        """Two looks with enough time in between for a whole file to be taken in."""
        for _ in range(2):
            for watcher in watchers:
                watcher.look(threading.Event())
            self.clock.now += STILL_S

    def outcomes(self) -> dict[str, str]:
        """What became of each file, by its path."""
        with self.database.connection() as connection:
            rows = connection.execute(
                "select path, outcome from watched_files"
            ).fetchall()
        return {
            bytes(row["path"]).decode(errors="replace"): row["outcome"] for row in rows
        }

    def names(self) -> list[str]:
        """The files that are in the library, by name."""
        with self.database.connection() as connection:
            rows = connection.execute(
                "select file_name from attachments order by id"
            ).fetchall()
        return [row["file_name"] for row in rows]

    def tasks(self) -> int:
        """How many tasks there are."""
        with self.database.connection() as connection:
            return len(connection.execute("select id from tasks").fetchall())

    def end(self, name: str, status: str, error: str | None = None) -> None:
        """Let the task of a file have ended."""
        with self.database.connection() as connection:
            done = connection.execute(
                "update tasks t set status = %s, error_message = %s, "
                "finished_at = now() from attachments a "
                "where a.id = t.attachment_id and a.file_name = %s",
                [status, error, name],
            )
        assert done.rowcount == 1

    def left(self) -> set[str]:
        """What lies in the folder now."""
        return {
            str(path.relative_to(self.path))
            for path in self.path.rglob("*")
            if not path.is_dir()
        }


@pytest.fixture
def attic(tmp_path: Path, database: Database, storage: FolderStorage) -> Attic:
    """An empty folder under watch."""
    folder = tmp_path / "attic"
    folder.mkdir()
    return Attic(folder, database, storage)


def test_a_file_is_taken_in_once_when_it_has_stopped_growing(attic: Attic) -> None:
    watcher = attic.watcher()
    path = attic.put("note.txt", "One")
    watcher.look(threading.Event())
    attic.clock.now += STILL_S
    path.write_text("One, two")
    watcher.look(threading.Event())
    attic.clock.now += STILL_S / 2
    watcher.look(threading.Event())
    assert attic.names() == []

    attic.pass_by(watcher)
    attic.pass_by(watcher)

    assert attic.names() == ["note.txt"]
    assert attic.outcomes() == {"note.txt": "taken"}
    assert attic.tasks() == 1
    assert attic.left() == {"note.txt"}


def test_after_a_restart_nothing_is_taken_again(attic: Attic) -> None:
    """Also what failed, and what was deleted from the library meanwhile."""
    attic.put("a.txt")
    attic.put("b.txt")
    attic.pass_by(attic.watcher())
    attic.end("a.txt", "failure", "It is damaged.")
    with attic.database.connection() as connection:
        connection.execute("delete from items")
    attic.clock.now += 1000
    attic.database.run(
        lambda c: c.execute("update watched_folders set held_until = now()")
    )

    attic.pass_by(attic.watcher())

    assert attic.names() == []
    assert attic.tasks() == 2


def test_a_file_that_was_changed_is_another_one(attic: Attic) -> None:
    watcher = attic.watcher()
    path = attic.put("note.txt", "One")
    attic.pass_by(watcher)
    path.write_text("Something else")
    attic.pass_by(watcher)

    assert attic.names() == ["note.txt", "note.txt"]


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.txt",
        ".folder/note.txt",
        "~$letter.docx",
        "film.mp4.part",
        "scan.pdf.crdownload",
        "note.txt~",
        "new.tmp",
    ],
)
def test_what_is_hidden_or_half_written_is_left_alone(attic: Attic, name: str) -> None:
    attic.put(name)
    attic.pass_by(attic.watcher())

    assert attic.names() == []


def test_ordinary_names_are_not_taken_for_half_written_ones() -> None:
    names = ["requirements.lock", "#1 report.pdf", "part.txt", "~notes.md", "a.b"]

    assert not any(is_left_alone(name.encode()) for name in names)


def test_an_empty_file_waits_for_its_bytes(attic: Attic) -> None:
    watcher = attic.watcher()
    path = attic.path / "later.txt"
    path.touch()
    attic.pass_by(watcher)
    assert attic.names() == []
    path.write_text("Now")
    attic.pass_by(watcher)

    assert attic.names() == ["later.txt"]


def test_no_link_leads_out_of_the_folder(attic: Attic, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("Secret")
    (attic.path / "link.txt").symlink_to(outside / "secret.txt")
    (attic.path / "folder").symlink_to(outside)
    os.mkfifo(attic.path / "pipe.txt")
    attic.put("own/note.txt")
    attic.pass_by(attic.watcher())

    assert attic.names() == ["note.txt"]


def test_a_folder_that_becomes_a_link_meanwhile_is_not_followed(
    attic: Attic, tmp_path: Path
) -> None:
    """Between the walk and the opening somebody may exchange it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    path = attic.put("own/note.txt")
    folder = WatchedFolder(attic.path)
    (seen,) = folder.files()
    path.rename(outside / "note.txt")
    path.parent.rmdir()
    path.parent.symlink_to(outside)

    with pytest.raises(OSError, match=r".*"), folder.opened(seen):
        pass
    with pytest.raises(OSError, match=r".*"):
        folder.remove(seen)
    (attic.path / "failed").symlink_to(outside)
    path = attic.put("b.txt")
    seen = next(one for one in folder.files() if one.path == b"b.txt")
    with pytest.raises(OSError, match=r".*"):
        folder.move(seen, "failed")
    assert path.exists()


def test_a_name_that_is_no_utf8_is_taken_in_all_the_same(attic: Attic) -> None:
    watcher = attic.watcher()
    attic.put(b"caf\xe9.txt")
    attic.pass_by(watcher)
    attic.pass_by(attic.watcher())

    assert len(attic.names()) == 1
    assert attic.outcomes() == {"caf\ufffd.txt": "taken"}


def test_finished_files_are_moved_with_their_folders(attic: Attic) -> None:
    watcher = attic.watcher(after="move")
    attic.put("sub/good.txt")
    attic.put("bad.txt")
    attic.put("running.txt")
    attic.pass_by(watcher)
    attic.put("copy.txt", (attic.path / "running.txt").read_text())
    attic.put("done/sub/good.txt", "An older one")
    attic.pass_by(watcher)
    attic.end("good.txt", "success")
    attic.end("bad.txt", "failure", "It is damaged.")
    attic.pass_by(watcher)

    assert attic.left() == {
        "done/sub/good.txt",
        "done/sub/good (2).txt",
        "duplicates/copy.txt",
        "failed/bad.txt",
        "failed/bad.txt.why.txt",
        "running.txt",
    }
    assert (attic.path / "failed/bad.txt.why.txt").read_text() == "It is damaged.\n"
    attic.pass_by(watcher)
    attic.pass_by(attic.watcher(after="move"))
    assert attic.tasks() == 3


def test_what_succeeded_is_deleted_and_nothing_else(attic: Attic) -> None:
    watcher = attic.watcher(after="delete")
    for name in ("good.txt", "bad.txt", "changed.txt"):
        attic.put(name)
    attic.pass_by(watcher)
    attic.end("good.txt", "success")
    attic.end("bad.txt", "dead", "Three workers died of it.")
    attic.end("changed.txt", "success")
    attic.put("changed.txt", "By now it says something else.")
    watcher.look(threading.Event())

    assert attic.left() == {"changed.txt", "failed/bad.txt", "failed/bad.txt.why.txt"}


def test_a_file_that_is_put_there_again_is_a_duplicate(attic: Attic) -> None:
    """The same bytes with the same time, as a copy keeps it."""
    watcher = attic.watcher(after="move")
    path = attic.put("note.txt", "The same")
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    attic.pass_by(watcher)
    attic.end("note.txt", "success")
    attic.pass_by(watcher)
    path.write_text("The same")
    os.utime(path, ns=times)
    attic.pass_by(watcher)
    attic.pass_by(watcher)

    assert attic.left() == {"done/note.txt", "duplicates/note.txt"}


class Unreadable(WatchedFolder):
    """Whose files may not be read: root may read all, so no mode can tell."""

    @contextmanager
    def opened(self, seen: Seen) -> Iterator[BinaryIO]:
        raise PermissionError(13, "Permission denied", seen.name)
        yield


class Growing(WatchedFolder):
    """To whose files something is added while they are read."""

    @contextmanager
    def opened(self, seen: Seen) -> Iterator[BinaryIO]:
        with super().opened(seen) as file:
            yield file
            with (self.path / os.fsdecode(seen.path)).open("a") as more:
                more.write(" more")


class Vanishing(WatchedFolder):
    """Whose files go before they are opened."""

    @contextmanager
    def opened(self, seen: Seen) -> Iterator[BinaryIO]:
        (self.path / os.fsdecode(seen.path)).unlink()
        with super().opened(seen) as file:
            yield file


def test_what_cannot_be_read_is_told_once_and_taken_when_it_can(
    attic: Attic, capsys: pytest.CaptureFixture[str]
) -> None:
    attic.put("note.txt")
    watcher = attic.watcher(folder=Unreadable(attic.path))
    attic.pass_by(watcher)
    attic.pass_by(watcher)

    assert capsys.readouterr().out.count("Permission denied") == 1
    assert [one.unreadable for one in health(attic.database).watch] == [1]
    assert "1 files or folders cannot be read" in health(attic.database).problems[-1]
    watcher.folder = WatchedFolder(attic.path)
    attic.pass_by(watcher)
    assert attic.names() == ["note.txt"]
    assert [one.unreadable for one in health(attic.database).watch] == [0]


@pytest.mark.parametrize("kind", [Growing, Vanishing])
def test_a_file_that_changes_while_it_is_read_is_not_taken(
    attic: Attic, kind: type[WatchedFolder]
) -> None:
    attic.put("note.txt")
    attic.put("other.txt")
    watcher = attic.watcher(folder=kind(attic.path))
    attic.pass_by(watcher)

    assert attic.names() == []
    assert attic.outcomes() == {}
    assert list((attic.storage.root / "incoming").iterdir()) == []


def test_a_full_disk_is_told_and_the_file_waits(attic: Attic) -> None:
    attic.put("note.txt")
    full = attic.watcher(free_disk_floor_bytes=2**62)
    attic.pass_by(full)

    (told,) = health(attic.database).watch
    assert told.trouble is not None
    assert "disk is nearly full" in told.trouble
    assert attic.names() == []
    full.limits = settings_of.Storage(free_disk_floor_bytes=0)
    attic.pass_by(full)
    assert attic.names() == ["note.txt"]
    assert health(attic.database).watch[0].trouble is None


def test_a_file_that_is_too_large_is_a_failure_of_its_own(attic: Attic) -> None:
    attic.put("large.txt", "x" * 100)
    attic.put("small.txt")
    watcher = attic.watcher(after="move", upload_max_bytes=50)
    attic.pass_by(watcher)
    attic.pass_by(watcher)

    assert attic.names() == ["small.txt"]
    assert "limit of 50" in (attic.path / "failed/large.txt.why.txt").read_text()


def test_an_owner_without_room_is_told_and_the_file_waits(attic: Attic) -> None:
    attic.put("note.txt")
    watcher = attic.watcher(quota_bytes=1)
    attic.pass_by(watcher)
    attic.pass_by(watcher)

    assert attic.names() == []
    assert attic.outcomes() == {}
    assert (health(attic.database).watch[0].trouble or "").startswith("The watched")


class Stubborn(WatchedFolder):
    """One of whose files cannot be moved."""

    def move(self, seen: Seen, into: str, *, why: str | None = None) -> None:
        if seen.path == b"a.txt":
            raise PermissionError(13, "Permission denied")
        super().move(seen, into, why=why)


def test_a_file_that_cannot_be_moved_keeps_no_other_from_it(attic: Attic) -> None:
    watcher = attic.watcher(after="move", folder=Stubborn(attic.path))
    attic.put("a.txt")
    attic.put("b.txt")
    attic.pass_by(watcher)
    attic.end("a.txt", "success")
    attic.end("b.txt", "success")
    attic.put("c.txt")
    attic.pass_by(watcher)

    assert attic.left() == {"a.txt", "done/b.txt", "c.txt"}
    assert attic.outcomes()["c.txt"] == "taken"
    assert "Permission denied" in (health(attic.database).watch[0].trouble or "")


def test_one_scheduler_at_a_time_looks_after_a_folder(attic: Attic) -> None:
    first, second = attic.watcher(), attic.watcher()
    attic.put("note.txt")
    attic.pass_by(first, second)
    assert attic.tasks() == 1
    attic.put("later.txt")
    stop = threading.Event()
    stop.set()
    first.run(stop)  # it leaves
    attic.pass_by(second)

    assert attic.names() == ["note.txt", "later.txt"]
    assert attic.tasks() == 2


class Dying(FolderWatcher):
    """Which is killed between taking a file in and noting it."""

    def _note(self, *_: object, **__: object) -> None:
        raise KeyboardInterrupt


def test_a_crash_after_taking_in_ends_with_one_task_and_no_duplicate(
    attic: Attic,
) -> None:
    attic.put("note.txt")
    dying = attic.watcher(kind=Dying)
    with pytest.raises(KeyboardInterrupt):
        attic.pass_by(dying)
    attic.database.run(
        lambda c: c.execute("update watched_folders set held_until = now()")
    )
    attic.pass_by(attic.watcher())

    assert attic.tasks() == 1
    assert attic.outcomes() == {"note.txt": "taken"}


def test_a_folder_that_is_not_there_is_told_and_found_when_it_comes(
    attic: Attic,
) -> None:
    attic.path.rmdir()
    watcher = attic.watcher()
    attic.pass_by(watcher)

    (told,) = health(attic.database).watch
    assert "PRSNL_WATCH_DIR" in (told.trouble or "")
    assert str(attic.path) not in str(told)
    attic.path.mkdir()
    attic.put("note.txt")
    attic.pass_by(watcher)
    assert attic.names() == ["note.txt"]


def deleted_for_good(attic: Attic) -> None:
    """As by a person, who empties the trash after it."""
    with attic.database.connection() as connection:
        rows = connection.execute(
            "update items set deleted_at = now() returning id, owner"
        ).fetchall()
        for row in rows:
            trash.purge(connection, attic.storage, [row["id"]], owner=row["owner"])


def test_a_file_whose_item_is_deleted_under_way_is_not_waited_for(attic: Attic) -> None:
    watcher = attic.watcher(after="move")
    attic.put("unwanted.txt")
    attic.pass_by(watcher)
    assert attic.outcomes() == {"unwanted.txt": "taken"}

    deleted_for_good(attic)
    attic.pass_by(watcher)

    assert attic.outcomes() == {"unwanted.txt": "failed"}
    assert attic.names() == []


@pytest.mark.parametrize(("after", "named"), [("keep", ["a.txt"]), ("move", [])])
def test_a_deleted_file_is_named_only_while_it_lies_in_the_folder(
    attic: Attic, after: str, named: list[str]
) -> None:
    """Without its row, what lies there would come back into the library."""
    watcher = attic.watcher(after=after)
    attic.put("a.txt")
    attic.pass_by(watcher)
    attic.end("a.txt", "failure", "It is damaged.")
    attic.pass_by(watcher)

    deleted_for_good(attic)
    attic.pass_by(watcher)

    assert attic.names() == []
    with attic.database.connection() as connection:
        rows = connection.execute("select path, reason from watched_files").fetchall()
    assert [bytes(row["path"]).decode() for row in rows] == named
    assert [row["reason"] for row in rows if row["reason"]] == []


def test_health_counts_what_became_of_the_files(attic: Attic) -> None:
    watcher = attic.watcher()
    for name in ("a.txt", "b.txt", "c.txt"):
        attic.put(name)
    attic.pass_by(watcher)
    attic.put("d.txt", (attic.path / "a.txt").read_text())
    attic.end("a.txt", "success")
    attic.end("b.txt", "failure", "It is damaged.")
    attic.pass_by(watcher)
    attic.pass_by(watcher)

    (told,) = health(attic.database).watch
    assert (told.under_way, told.done, told.duplicates, told.failed) == (1, 1, 1, 1)


def test_our_own_folder_is_not_watched(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "data", tmp_path / "data" / "storage"):
        with pytest.raises(SettingsError, match="data folder"):
            watched(settings_of.Watch(watch_dir=folder), apart_from=tmp_path / "data")
    assert watched(settings_of.Watch(), apart_from=tmp_path) is None
