"""The pool: who gets which child, and when."""

from __future__ import annotations

import os
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from prsnl.core.errors import (
    BadRequestError,
    EncryptedError,
    PrsnlError,
    TooLargeError,
    UnavailableError,
)
from prsnl.engines.sandbox.pool import SandboxPool
from tests.integration.sandbox.pools import TIMEOUT_S, ask, pool

_FOREVER = timedelta(hours=1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path


def used_child(made: SandboxPool) -> int:
    """The number of the process that serves now."""
    return int(ask(made, "echo")["process"])


def test_a_file_goes_in_and_a_file_comes_out(root: Path) -> None:
    with pool(root) as made, made.child("document") as child:
        upload = child.put("upload.txt")
        upload.write_text("text", encoding="ascii")
        upload.chmod(0o600)

        told = child.call("copy", {"name": "upload.txt"}, timeout_s=TIMEOUT_S)

        assert told == {"size_bytes": 4}
        assert child.output("copy").read_text(encoding="ascii") == "text"
        assert child.peak_memory_bytes > 2**20


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc/passwd", "a\0b"])
def test_a_file_has_a_plain_name(root: Path, name: str) -> None:
    with pool(root) as made, made.child("document") as child:
        with pytest.raises(BadRequestError):
            child.put(name)
        with pytest.raises(BadRequestError):
            child.output(name)


def test_frames_come_one_by_one(root: Path) -> None:
    with pool(root) as made, made.child("document") as child:
        frames = child.stream("count", {"to": 1000}, unit_timeout_s=TIMEOUT_S)

        assert [frame["number"] for frame in frames] == list(range(1000))
        assert list(child.stream("count", {"to": 0}, unit_timeout_s=TIMEOUT_S)) == []
        assert child.calls == 2


def test_a_stream_that_was_left_blocks_its_child_but_not_the_pool(root: Path) -> None:
    with pool(root) as made:
        with made.child("document") as child:
            next(child.stream("count", {"to": 10**9}, unit_timeout_s=TIMEOUT_S))
            with pytest.raises(PrsnlError, match="busy"):
                child.call("echo", {}, timeout_s=TIMEOUT_S)
        used_child(made)


def test_large_params_and_large_answers_pass(root: Path) -> None:
    with pool(root) as made:
        text = "é" * 4_000_000

        assert ask(made, "echo", text=text)["echo"] == {"text": text}


def test_fifty_megabytes_of_pages_pass(root: Path) -> None:
    pages = [{"number": n, "text": "é" * 12_500} for n in range(1, 2001)]
    with pool(root) as made:
        assert ask(made, "measure", pages=pages) == {"characters": 25_000_000}


def test_a_question_larger_than_allowed_is_an_error_of_the_input(root: Path) -> None:
    with (
        pool(root, request_bytes=2**20) as made,
        made.child("document") as child,
    ):
        with pytest.raises(TooLargeError, match="at most 1 MiB"):
            child.call("echo", {"text": "x" * 2**20}, timeout_s=TIMEOUT_S)
        assert child.is_reusable


def test_an_answer_larger_than_a_frame_is_an_error_of_the_input(root: Path) -> None:
    """It would be as large the next time: a crash would be tried again."""
    with pool(root) as made, made.child("document") as child:
        with pytest.raises(TooLargeError, match="16 MiB"):
            child.call("answer", {"size_bytes": 2**24}, timeout_s=TIMEOUT_S)
        assert child.is_reusable


def test_an_operation_without_a_name_in_the_table_is_refused(root: Path) -> None:
    with pool(root) as made, pytest.raises(PrsnlError, match="KeyError"):
        ask(made, "os:system")


def test_a_task_has_a_child_of_its_own_from_the_same_nursery(root: Path) -> None:
    with pool(root, idle=_FOREVER) as made:
        assert used_child(made) != used_child(made)


def test_two_at_once_have_two_children(root: Path) -> None:
    with (
        pool(root) as made,
        made.child("document") as one,
        made.child("document") as other,
    ):
        assert one.call("echo", {"n": 1}, timeout_s=TIMEOUT_S)["echo"] == {"n": 1}
        assert other.call("echo", {"n": 2}, timeout_s=TIMEOUT_S)["echo"] == {"n": 2}


def test_a_shared_child_serves_again_and_forgets_its_files(root: Path) -> None:
    with pool(root, reuse="shared", idle=_FOREVER) as made:
        with made.child("document") as child:
            child.put("upload").write_text("private", encoding="ascii")
            child.call("copy", {"name": "upload"}, timeout_s=TIMEOUT_S)
            first = child.call("echo", {}, timeout_s=TIMEOUT_S)["process"]
        with made.child("document") as child:
            assert child.call("echo", {}, timeout_s=TIMEOUT_S)["process"] == first
            assert not child.put("upload").exists()
            assert not (child.scratch.outputs / "copy").exists()


def test_a_shared_child_outlives_an_error_of_its_input(root: Path) -> None:
    with pool(root, reuse="shared", idle=_FOREVER) as made:
        first = used_child(made)
        with pytest.raises(EncryptedError) as caught:
            ask(made, "raise_encrypted")
        assert used_child(made) == first
        assert caught.value.engine == "raise_encrypted", "what was at work is told"


@pytest.mark.parametrize("operation", ["leave", "raise_foreign"])
def test_a_shared_child_that_failed_is_replaced(root: Path, operation: str) -> None:
    with pool(root, reuse="shared", idle=_FOREVER) as made:
        first = used_child(made)
        with pytest.raises(PrsnlError):
            ask(made, operation, status=1, text="")
        assert used_child(made) != first


def test_a_shared_child_is_recycled_after_its_calls(root: Path) -> None:
    with pool(root, reuse="shared", recycle_after_calls=2, idle=_FOREVER) as made:
        served = [used_child(made) for _ in range(5)]

    assert served[0] == served[1] != served[2] == served[3] != served[4]


def test_a_shared_child_is_never_used_twice_at_the_same_time(root: Path) -> None:
    with pool(root, reuse="shared", idle=_FOREVER) as made:
        inside: list[int] = []
        most: list[int] = []

        def use() -> None:
            with made.child("document") as child:
                inside.append(1)
                child.call("echo", {}, timeout_s=TIMEOUT_S)
                most.append(len(inside))
                inside.pop()

        threads = [threading.Thread(target=use) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert most == [1] * 6


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's layers")
def test_who_is_stopped_waits_for_no_child_that_another_has(root: Path) -> None:
    """A cancelled task ends within seconds, whatever the others are at."""

    class StoppedError(Exception):
        pass

    looks = iter(range(2))

    def check() -> None:
        if next(looks, None) is None:
            raise StoppedError

    with pool(root, reuse="shared") as made, made.child("document"):  # noqa: SIM117
        with pytest.raises(StoppedError), made.child("document", check=check):
            pass


def test_who_waits_too_long_for_a_child_is_told_to_come_again(root: Path) -> None:
    with pool(root, reuse="shared", take_timeout_s=0.1) as made:  # noqa: SIM117
        with made.child("document"):
            with pytest.raises(UnavailableError, match="busy"), made.child("document"):
                pass


def test_a_missing_layer_is_logged_once_and_can_be_asked_for(root: Path) -> None:
    without = frozenset({"landlock", "system_call_filter"})
    with capture_logs() as lines, pool(root, without=without, spare=0) as made:
        before = made.layers
        for _ in range(2):
            used_child(made)

        told = [line for line in lines if line["event"] == "sandbox.layer_missing"]
        found = made.layers
        assert before is None
        assert found is not None
        assert (found.landlock, found.system_call_filter) == (0, False)
        assert [line["consequence"] for line in told] == [*found.missing()]
        assert {line["log_level"] for line in told} == {"warning"}


def test_a_warm_nursery_is_taken_by_the_first_use(root: Path) -> None:
    with pool(root, idle=_FOREVER) as made:
        made.warm_up("document")
        made.warm_up("document")
        used_child(made)


def test_a_module_that_cannot_be_imported_is_told_and_the_pool_closes(
    root: Path,
) -> None:
    with pool(root, preload=("no.such.module",)) as made:
        made.warm_up("document")
        with pytest.raises(PrsnlError, match="could not start"):
            used_child(made)


def test_a_closed_pool_serves_nobody(root: Path) -> None:
    with pool(root) as made:
        pass

    with pytest.raises(PrsnlError, match="closed"):
        used_child(made)


def test_an_unknown_layer_cannot_be_left_out(root: Path) -> None:
    with pytest.raises(ValueError, match="walls"), pool(root, without={"walls"}):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's layers")
def test_a_profile_that_starts_programs_can_and_only_that(root: Path) -> None:
    """An OCR engine may be a program; it stays behind the other layers."""
    with pool(root, programs=True) as made:
        assert not ask(made, "attempt", what="run a program")["refused"]
        assert ask(made, "attempt", what="read", path="/etc/passwd")["refused"]
        assert ask(made, "attempt", what="signal", process=os.getpid())["refused"]


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="tells of root's children"
)
def test_a_child_of_root_is_nobody_we_know(root: Path) -> None:
    with pool(root) as made:
        if made.probe_layers().identity != "separate":
            pytest.skip("this machine lets root neither mount nor change its user")
        first, second = (ask(made, "echo")["user"] for _ in range(2))
    with pool(root) as another:
        third = ask(another, "echo")["user"]

    assert first == second > 2**16
    assert third != first


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's layers")
def test_root_that_cannot_change_its_user_still_reads_nothing(root: Path) -> None:
    secret = root / "secret"
    secret.touch()
    with pool(root / "scratch", without=frozenset({"identity"})) as made:
        for path in ("/etc/passwd", str(secret), f"/proc/{os.getpid()}/environ"):
            assert ask(made, "attempt", what="read", path=path)["refused"]
        assert ask(made, "attempt", what="signal", process=os.getpid())["refused"]
